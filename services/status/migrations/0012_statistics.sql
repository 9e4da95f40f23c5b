-- The statistics that were computed last (services/status/recount.py): one document, for every process to answer from.
CREATE TABLE statistics (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    computed_at timestamptz NOT NULL,
    seconds real NOT NULL, -- how long it took
    digest text NOT NULL, -- SHA-256 of the document
    document bytea NOT NULL -- JSON (services/status/figures.py)
);
