-- How far each consumer has worked, in the same database as what it wrote: effect and position are one transaction.
CREATE TABLE consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL, -- name and generation: a topic made anew begins at its own beginning
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);

-- How far the outbox has been published.
CREATE TABLE relay_positions (
    topic text PRIMARY KEY,
    notification_id bigint NOT NULL
);

-- Records that could not be handled, and those of the same key that wait behind them, in order.
CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL DEFAULT '[]',
    state text NOT NULL CHECK (state IN ('failed', 'behind', 'retry', 'handled', 'discarded')),
    error text,
    attempts integer NOT NULL DEFAULT 0,
    arrived_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    UNIQUE (consumer, topic, partition, "offset")
);
CREATE INDEX quarantine_open ON quarantine (consumer, topic, partition, "offset") WHERE state IN ('failed', 'behind', 'retry');
