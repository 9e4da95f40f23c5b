-- What applicants were shown: how far a timeline was shown, when. Not who looked. Written in batches
-- (services/status/shown.py): one row a number, n and flush of a process. No part of the projection: the log cannot give
-- it back. A month is one table, made ahead and dropped whole when all of it is older than the retention.
CREATE TABLE shown (
    number text COLLATE "C" NOT NULL,
    n integer NOT NULL, -- the timeline was shown up to its nth event
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    looks integer NOT NULL CHECK (looks > 0), -- look-ups from first_at to last_at
    PRIMARY KEY (number, first_at, n), -- answers the question, and lets a batch be written again without counting twice
    CHECK (last_at >= first_at)
) PARTITION BY RANGE (first_at);
