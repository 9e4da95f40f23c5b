-- The place among those that wait for the office (services/status/place) is read by one index of few rows. New generations
-- have it from the start (services/status/store/tables.py); those that are there already get it here.
DO $$
DECLARE
    leaf text;
BEGIN
    FOR leaf IN
        SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname ~ '^g\d+_application_\d\d$'
    LOOP
        EXECUTE format(
            'CREATE INDEX ON %I (service, office, stage, due, since, number) WHERE waits_for = ''office''', leaf
        );
    END LOOP;
END $$;
