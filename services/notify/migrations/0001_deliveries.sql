-- What notify remembers of an application; nothing personal.
CREATE TABLE applications (
    number text PRIMARY KEY,
    service text,
    office text,
    followed boolean NOT NULL DEFAULT false, -- its submission was news when it arrived: no history of an older system
    erased boolean NOT NULL DEFAULT false
);

-- One message about one event over one channel. No contact data: it is asked from intake when it is needed.
CREATE TABLE deliveries (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of an application's events
    id uuid NOT NULL UNIQUE,
    number text NOT NULL,
    about_source text NOT NULL,
    about_id text NOT NULL,
    channel text NOT NULL,
    template text NOT NULL,
    event bytea, -- the CloudEvent that it is about; not kept for what is skipped
    recorded_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'skipped')),
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    attempts_allowed integer NOT NULL,
    unknown integer NOT NULL DEFAULT 0,
    may_have_arrived boolean NOT NULL DEFAULT false,
    in_flight boolean NOT NULL DEFAULT false, -- the content of the next attempt is being handed over
    postponed integer NOT NULL DEFAULT 0, -- how often in a row intake could not be asked
    due_at timestamptz NOT NULL,
    lease uuid,
    leased_until timestamptz, -- by the database's clock, the one that all processes share
    planned_at timestamptz NOT NULL,
    closed_at timestamptz,
    UNIQUE (about_source, about_id, channel),
    CHECK (state <> 'waiting' OR event IS NOT NULL)
);
CREATE INDEX deliveries_due ON deliveries (due_at, sequence) WHERE state = 'waiting';
CREATE INDEX deliveries_ahead ON deliveries (number, channel, sequence) WHERE state = 'waiting';
CREATE INDEX deliveries_of_application ON deliveries (number, sequence);
CREATE INDEX deliveries_by_state ON deliveries (state, sequence);
