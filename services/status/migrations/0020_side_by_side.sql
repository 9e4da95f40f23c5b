-- Releases run side by side, each with a generation of its own version that is live for it.
DROP INDEX one_generation_is_live;
CREATE UNIQUE INDEX one_generation_of_a_version_is_live ON generations (version) WHERE state = 'live';
