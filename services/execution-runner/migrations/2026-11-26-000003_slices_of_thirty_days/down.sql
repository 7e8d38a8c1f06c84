DELETE FROM counters WHERE hours <> 1;
ALTER TABLE counters DROP CONSTRAINT counters_pkey;
ALTER TABLE counters ADD PRIMARY KEY (workflow_id, hour, channel, status, partition);
ALTER TABLE counters DROP COLUMN hours;

ALTER TABLE executions RENAME TO executions_by_month;
ALTER INDEX executions_pkey RENAME TO executions_by_month_pkey;
ALTER INDEX executions_by_workflow RENAME TO executions_by_month_by_workflow;
ALTER INDEX executions_by_conversation RENAME TO executions_by_month_by_conversation;
CREATE TABLE executions (LIKE executions_by_month INCLUDING DEFAULTS, PRIMARY KEY (id, started_at)) PARTITION BY RANGE (started_at);
CREATE INDEX executions_by_workflow ON executions (workflow_id, channel, status, started_at DESC, id DESC);
CREATE INDEX executions_by_conversation ON executions (conversation_id, started_at DESC, id DESC);

DO $$
DECLARE
    month regclass;
    day bigint;
BEGIN
    FOR month IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'executions_by_month'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', month, 'month_of_' || month);
    END LOOP;
    FOR day IN SELECT DISTINCT floor(extract(epoch FROM started_at) / 86400)::bigint FROM executions_by_month LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF executions FOR VALUES FROM (%L) TO (%L)', 'executions_' || day,
            to_timestamp(day * 86400), to_timestamp((day + 1) * 86400));
    END LOOP;
END $$;
INSERT INTO executions SELECT * FROM executions_by_month;
DROP TABLE executions_by_month;
