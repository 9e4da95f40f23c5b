-- Who works at a case, what is near its deadline, which opinions are awaited. The rows are written anew from the event
-- store: a row of the same versions is the same row, so following from the beginning only adds what is new.
ALTER TABLE worklist
    ADD COLUMN handling_version integer NOT NULL DEFAULT 0,
    ADD COLUMN officer text, -- pseudonym of who claimed it
    ADD COLUMN officer_desk text,
    ADD COLUMN claimed_at timestamptz,
    ADD COLUMN queue text, -- the desk that it was handed to, while nobody there has claimed it
    ADD COLUMN escalate_at timestamptz, -- from when the supervisor is to know of the deadline
    ADD COLUMN escalated_at timestamptz, -- when the running clock was escalated
    ADD COLUMN opinions_awaited integer NOT NULL DEFAULT 0,
    ADD COLUMN opinion_due_at timestamptz, -- the first time limit among them
    ADD COLUMN opinion_given_at timestamptz; -- the last answer
CREATE INDEX worklist_by_urgency
    ON worklist ((escalated_at IS NULL), (coalesce(deadline_at, 'infinity')), number) WHERE stage <> 'closed';
CREATE INDEX worklist_by_officer ON worklist (officer) WHERE stage <> 'closed' AND officer IS NOT NULL;
CREATE INDEX worklist_to_escalate ON worklist (escalate_at) WHERE stage <> 'closed' AND escalated_at IS NULL;
UPDATE worklist_position SET notification_id = 0;

-- Who has a case open just now. Lost with a crash, and that is fine: whoever is there says so again in seconds.
CREATE UNLOGGED TABLE presence (
    number text NOT NULL,
    officer text NOT NULL, -- pseudonym
    role text NOT NULL,
    desk text,
    since timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (number, officer)
);
CREATE INDEX presence_by_age ON presence (seen_at);
