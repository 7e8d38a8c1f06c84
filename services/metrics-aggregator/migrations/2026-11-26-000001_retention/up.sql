-- Numbers are cut into slices of thirty days of their quarter, dropped as a whole when their time is over.
ALTER TABLE rollups RENAME TO rollups_unsliced;
ALTER INDEX rollups_pkey RENAME TO rollups_unsliced_pkey;
CREATE TABLE rollups (LIKE rollups_unsliced INCLUDING DEFAULTS, PRIMARY KEY (account_id, workflow_id, quarter, channel))
    PARTITION BY RANGE (quarter);
ALTER TABLE visits RENAME TO visits_unsliced;
ALTER INDEX visits_pkey RENAME TO visits_unsliced_pkey;
CREATE TABLE visits (LIKE visits_unsliced INCLUDING DEFAULTS, PRIMARY KEY (workflow_id, quarter, customer))
    PARTITION BY RANGE (quarter);

DO $$
DECLARE
    sliced text;
    slice bigint;
BEGIN
    FOREACH sliced IN ARRAY ARRAY['rollups', 'visits'] LOOP
        FOR slice IN EXECUTE format('SELECT DISTINCT floor(extract(epoch FROM quarter) / 2592000)::bigint FROM %I', sliced || '_unsliced') LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', sliced || '_' || slice, sliced,
                to_timestamp(slice * 2592000), to_timestamp((slice + 1) * 2592000));
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', sliced, sliced || '_unsliced');
        EXECUTE format('DROP TABLE %I', sliced || '_unsliced');
    END LOOP;
END $$;

-- What began before is not kept any more. Moves in the transaction that drops it, and never back.
CREATE TABLE retention (
    class text PRIMARY KEY,
    kept_since timestamptz NOT NULL
);
