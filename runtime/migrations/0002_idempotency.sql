-- Answers kept for repeated requests (Idempotency-Key). `id` is a hash: neither key nor caller can be read from it.
CREATE TABLE idempotency (
    id bytea PRIMARY KEY, -- SHA-256 of route, principal and key
    fingerprint bytea NOT NULL, -- SHA-256 of method, path and body
    claim uuid NOT NULL, -- whoever runs the request now
    locked_until timestamptz NOT NULL, -- a claim of a process that died ends here
    expires_at timestamptz NOT NULL,
    answer bytea, -- NULL while running; sealed where the service says so
    CHECK (expires_at > locked_until)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
