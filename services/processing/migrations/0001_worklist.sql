-- The officers' inbox: one row a case, a pure function of the case; always made anew from the event store.
CREATE TABLE worklist (
    number text PRIMARY KEY,
    version integer NOT NULL,
    service text NOT NULL,
    office text NOT NULL,
    holder text NOT NULL, -- the office or agency that has the case
    desk text, -- the desk that acted last
    stage text NOT NULL, -- the declared stage that comes next, or 'closed'
    next_commands text[] NOT NULL, -- what the office does next, once it has to
    turn text NOT NULL, -- who can act next
    turn_since timestamptz,
    act_from timestamptz, -- from when the office has to act; null: it need not
    submitted_at timestamptz NOT NULL,
    deadline_rule text,
    deadline_at timestamptz, -- null while the clock is paused, or none runs
    deadline_remaining integer, -- units left while it is paused
    paused boolean NOT NULL,
    payment_problems integer NOT NULL
);
CREATE INDEX worklist_by_age ON worklist (submitted_at, number) WHERE stage <> 'closed';
CREATE INDEX worklist_by_deadline ON worklist ((coalesce(deadline_at, 'infinity')), number) WHERE stage <> 'closed';

-- Payments that did not settle a fee, for officers to follow up.
CREATE TABLE payment_problems (
    number text NOT NULL,
    version integer NOT NULL, -- which event of the case noted it
    kind text NOT NULL,
    source text NOT NULL, -- of the payment's event on the log
    event_id text NOT NULL,
    billing_code text NOT NULL,
    amount bigint NOT NULL,
    expected_amount bigint,
    currency text NOT NULL,
    receipt text,
    paid_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (number, version)
);
CREATE INDEX payment_problems_by_time ON payment_problems (reported_at, number, version);

-- How far the read models have followed the event store.
CREATE TABLE worklist_position (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    notification_id bigint NOT NULL
);
INSERT INTO worklist_position (notification_id) VALUES (0);
