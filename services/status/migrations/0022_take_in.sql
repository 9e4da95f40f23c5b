-- The beginning of a transaction that takes records of the log in (services/status/store/following.py), in one round trip:
-- writers may write, positions move from where they are expected, the records are archived, and the live generation of a
-- version moves past them. `is_advanced` is false where a position is elsewhere: nothing is to be written then.
-- `generation` is null where none of this version is live; `moved` are the partitions in which it stood before the records.
--
-- Nobody waits for the disk here: what a crash of the server would undo is undone with its position, and read again from the log.
--
-- Releases side by side share the function: what would do something else needs another name.
CREATE FUNCTION take_in(
    of_consumer text, of_topic text, of_version text,
    of_partitions integer[], firsts bigint[], expected bigint[], reached bigint[],
    of_log smallint, offsets bigint[], timestamps_ms bigint[], places smallint[], keys bytea[], contents bytea[], heads bytea[],
    OUT is_advanced boolean, OUT generation integer, OUT moved integer[]
) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
    advanced integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM set_config('plan_cache_mode', 'force_generic_plan', true); -- planning for a dozen partitions takes longer than doing
    PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema() || '.projection')); -- WRITE_SHARED
    UPDATE consumer_positions position SET next_offset = step.reached
    FROM unnest(of_partitions, expected, reached) AS step (partition, expected, reached)
    WHERE position.consumer = of_consumer AND position.topic = of_topic
      AND position.partition = step.partition AND position.next_offset = step.expected;
    GET DIAGNOSTICS advanced = ROW_COUNT;
    is_advanced := advanced = cardinality(of_partitions);
    IF NOT is_advanced THEN
        RETURN;
    END IF;
    INSERT INTO archive (log, "offset", timestamp_ms, partition, key, value, headers)
    SELECT of_log, * FROM unnest(offsets, timestamps_ms, places, keys, contents, heads);
    generation := (SELECT live.generation FROM generations live WHERE live.state = 'live' AND live.version = of_version);
    moved := ARRAY(SELECT move_generation(generation, of_log, of_partitions, firsts, reached));
END
$body$;

-- Moves a generation past records of a log, of one partition each, where it stands before the first of them: those partitions.
CREATE FUNCTION move_generation(
    of_generation integer, of_log smallint, of_partitions integer[], firsts bigint[], reached bigint[]
) RETURNS SETOF integer LANGUAGE sql AS $body$
    UPDATE generation_parts part SET next_offset = step.reached
    FROM unnest(of_partitions, firsts, reached) AS step (partition, first, reached)
    WHERE part.generation = of_generation AND part.log = of_log
      AND part.partition = step.partition AND part.next_offset = step.first
    RETURNING part.partition::integer
$body$;
