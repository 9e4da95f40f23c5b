-- One data key per applicant, wrapped by the master key. Without this row nothing of the applicant can be read.
CREATE TABLE applicant_keys (
    application text PRIMARY KEY,
    master_key text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Personal data, sealed under that key and bound to application, field and version.
CREATE TABLE sealed_records (
    application text NOT NULL,
    field text NOT NULL,
    version integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (application, field, version)
);

-- From the log: which billing code belongs to which application.
CREATE TABLE billing_codes (
    billing_code text PRIMARY KEY,
    application text NOT NULL
);

-- From the log: which documents the office asks for, until they are supplied.
CREATE TABLE document_requests (
    application text NOT NULL,
    requirement text NOT NULL,
    event text NOT NULL,
    PRIMARY KEY (application, requirement, event)
);

-- From the log: by which fact an application ended.
CREATE TABLE ended_applications (
    application text PRIMARY KEY,
    ended_by text NOT NULL
);

-- Payments for a billing code that no application has yet. They wait here; nothing is lost.
CREATE TABLE held_events (
    stream text PRIMARY KEY,
    publisher text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    billing_code text NOT NULL,
    happened_at timestamptz NOT NULL,
    event bytea NOT NULL,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'discarded')),
    held_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    changed_by text
);
CREATE INDEX held_events_open ON held_events (billing_code) WHERE state = 'held';
