-- Mails with a link that intake was asked for. No address, no token, no number: all of that is asked from intake as a mail is sent.
CREATE TABLE link_mails (
    id uuid PRIMARY KEY,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'skipped')),
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    unknown integer NOT NULL DEFAULT 0,
    in_flight boolean NOT NULL DEFAULT false,
    postponed integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    lease uuid,
    leased_until timestamptz,
    planned_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX link_mails_due ON link_mails (due_at, id) WHERE state = 'waiting';
CREATE INDEX link_mails_closed ON link_mails (closed_at) WHERE state <> 'waiting';

-- Browsers that want to hear of an application. Endpoint and keys are sealed; `mark` recognises the same browser.
CREATE TABLE subscriptions (
    id uuid PRIMARY KEY,
    number text NOT NULL,
    mark bytea NOT NULL,
    sealed bytea NOT NULL,
    language text NOT NULL CHECK (language IN ('id', 'en')),
    created_at timestamptz NOT NULL,
    UNIQUE (number, mark)
);
CREATE INDEX subscriptions_by_mark ON subscriptions (mark);

-- A delivery by push is to one browser; one by e-mail is to the applicant.
ALTER TABLE deliveries ADD COLUMN subscription uuid;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_about_source_about_id_channel_key;
CREATE UNIQUE INDEX deliveries_once ON deliveries
    (about_source, about_id, channel, coalesce(subscription, '00000000-0000-0000-0000-000000000000'));
