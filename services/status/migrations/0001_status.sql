-- The logs that records came from: a topic made anew is another log, and begins at its own beginning.
CREATE TABLE logs (
    log smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL UNIQUE -- name and generation, as in consumer_positions
);

-- Every record of the log as received, readable or not.
CREATE TABLE archive (
    "offset" bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    partition smallint NOT NULL,
    log smallint NOT NULL,
    key bytea,
    value bytea,
    headers bytea, -- JSON: [[name, base64 of the value], …]; NULL for none
    PRIMARY KEY (partition, log, "offset")
) PARTITION BY LIST (partition);

DO $$
BEGIN
    FOR place IN 0..11 LOOP
        EXECUTE format('CREATE TABLE archive_%s PARTITION OF archive FOR VALUES IN (%s)', to_char(place, 'FM00'), place);
    END LOOP;
END $$;

-- The projection's generations; each has its own tables (services/status/tables.py), readers see the live one.
CREATE TABLE generations (
    generation integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL, -- of the fold and of the catalogue that it was made with
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    source text NOT NULL CHECK (source IN ('live', 'kafka', 'archive')),
    expected_digest text, -- of the generation that was live when the building began, at the same positions
    digest text,
    created_at timestamptz NOT NULL DEFAULT now(),
    live_since timestamptz
);
CREATE UNIQUE INDEX one_generation_is_live ON generations ((true)) WHERE state = 'live';
CREATE UNIQUE INDEX one_generation_is_built ON generations ((true)) WHERE state = 'building';

-- How far the building of each partition has come.
CREATE TABLE generation_parts (
    generation integer NOT NULL REFERENCES generations ON DELETE CASCADE,
    partition smallint NOT NULL,
    log smallint NOT NULL REFERENCES logs,
    target bigint NOT NULL, -- the bulk ends before this offset
    excluded bigint[] NOT NULL DEFAULT '{}', -- offsets that were in quarantine, or discarded, when the building began
    next_offset bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0,
    applications bigint NOT NULL DEFAULT 0,
    unreadable bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (generation, partition)
);
