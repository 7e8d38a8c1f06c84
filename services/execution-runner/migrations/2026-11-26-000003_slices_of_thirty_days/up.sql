-- Executions are cut into slices of thirty days instead of one: a list looks into all of them.
ALTER TABLE executions RENAME TO executions_by_day;
ALTER INDEX executions_pkey RENAME TO executions_by_day_pkey;
ALTER INDEX executions_by_workflow RENAME TO executions_by_day_by_workflow;
ALTER INDEX executions_by_conversation RENAME TO executions_by_day_by_conversation;
CREATE TABLE executions (LIKE executions_by_day INCLUDING DEFAULTS, PRIMARY KEY (id, started_at)) PARTITION BY RANGE (started_at);
CREATE INDEX executions_by_workflow ON executions (workflow_id, channel, status, started_at DESC, id DESC);
CREATE INDEX executions_by_conversation ON executions (conversation_id, started_at DESC, id DESC);

DO $$
DECLARE
    day regclass;
    slice bigint;
BEGIN
    FOR day IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'executions_by_day'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', day, 'day_of_' || day);
    END LOOP;
    FOR slice IN SELECT DISTINCT floor(extract(epoch FROM started_at) / 2592000)::bigint FROM executions_by_day LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF executions FOR VALUES FROM (%L) TO (%L)', 'executions_' || slice,
            to_timestamp(slice * 2592000), to_timestamp((slice + 1) * 2592000));
    END LOOP;
END $$;
INSERT INTO executions SELECT * FROM executions_by_day;
DROP TABLE executions_by_day;

-- And they are counted by such a slice besides by the hour: a total is a sum of few rows, however many hours there are.
ALTER TABLE counters ADD COLUMN hours smallint NOT NULL DEFAULT 1;
ALTER TABLE counters ALTER COLUMN hours DROP DEFAULT;
ALTER TABLE counters DROP CONSTRAINT counters_pkey;
ALTER TABLE counters ADD PRIMARY KEY (workflow_id, hours, hour, channel, status, partition);
INSERT INTO counters (workflow_id, hours, hour, channel, status, partition, executions)
SELECT workflow_id, 720, to_timestamp(floor(extract(epoch FROM hour) / 2592000) * 2592000), channel, status, partition, sum(executions)
FROM counters GROUP BY 1, 3, 4, 5, 6;
