-- A blind index: under which keyed digest (HMAC under a key derived from the master key) an applicant's e-mail address is
-- found. Without that key a digest tells nobody an address. `digest` is NULL for those without an e-mail address.
CREATE TABLE address_marks (
    application text PRIMARY KEY,
    master_key text NOT NULL, -- under which master key the digest was made; made anew when another one wraps
    digest bytea,
    forgotten boolean NOT NULL DEFAULT false -- the log says that the personal data was erased: never made again
);
CREATE INDEX address_marks_digest ON address_marks (digest) WHERE digest IS NOT NULL;

-- Links that were asked for. No address and no token: an address is a digest, and tokens are made as a mail is sent.
CREATE TABLE links (
    id uuid PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('mine', 'return')),
    application text, -- for 'return'
    digest bytea, -- for 'mine', under `master_key`
    master_key text,
    language text NOT NULL CHECK (language IN ('id', 'en')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    taken_at timestamptz, -- when notify took over the sending
    used_at timestamptz,
    CHECK ((purpose = 'return') = (application IS NOT NULL)),
    CHECK ((purpose = 'mine') = (digest IS NOT NULL AND master_key IS NOT NULL))
);
CREATE INDEX links_waiting ON links (created_at, id) WHERE taken_at IS NULL;
CREATE INDEX links_of_address ON links (digest, created_at) WHERE digest IS NOT NULL;
CREATE INDEX links_of_application ON links (application, created_at) WHERE application IS NOT NULL;
CREATE INDEX links_expired ON links (expires_at);

-- SHA-256 of the tokens that were put into mails: one for each attempt to send, any one of them uses the link up.
CREATE TABLE link_tokens (
    hash bytea PRIMARY KEY,
    link uuid NOT NULL REFERENCES links ON DELETE CASCADE
);
CREATE INDEX link_tokens_of_link ON link_tokens (link);
