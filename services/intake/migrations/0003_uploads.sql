-- A document that arrives in pieces (tus 1.0): one at a time for each requirement of an application.
CREATE TABLE uploads (
    upload text PRIMARY KEY,
    application text NOT NULL REFERENCES applicant_keys ON DELETE CASCADE,
    requirement text NOT NULL,
    declared_type text NOT NULL,
    size_bytes bigint NOT NULL,
    arrived_bytes bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL,
    UNIQUE (application, requirement)
);
CREATE INDEX uploads_changed_at ON uploads (changed_at);

-- Its pieces, sealed under the applicant's key, until the last byte makes them a document.
CREATE TABLE upload_pieces (
    upload text NOT NULL REFERENCES uploads ON DELETE CASCADE,
    start_bytes bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (upload, start_bytes)
);
