-- From here on whoever counts keeps numbers by UTC day, too. An aggregator of an earlier version must not go on counting beside it: it asks for
-- stream_seq and fails until it is replaced, while what it has not counted waits in the stream. It goes on to answer.
ALTER TABLE progress RENAME COLUMN stream_seq TO seq;

-- The same numbers as in rollups, by UTC day.
CREATE TABLE rollups_by_day (LIKE rollups INCLUDING DEFAULTS);
ALTER TABLE rollups_by_day RENAME COLUMN quarter TO day;
ALTER TABLE rollups_by_day ADD PRIMARY KEY (account_id, workflow_id, day, channel);
CREATE INDEX rollups_by_day_by_age ON rollups_by_day (day);

-- Days that have quarters from before there were numbers by day. SQL cannot add durations up, so the aggregator sums these days, and until a
-- workflow has none here its numbers are read by quarter.
CREATE TABLE days_to_sum (
    account_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    day timestamptz NOT NULL,
    PRIMARY KEY (account_id, workflow_id, day)
);
INSERT INTO days_to_sum SELECT DISTINCT account_id, workflow_id, date_trunc('day', quarter, 'UTC') FROM rollups;

-- On which UTC days, counted from 1970, a customer was there, ascending.
CREATE TABLE visitors (
    workflow_id uuid NOT NULL,
    customer uuid NOT NULL,
    days integer[] NOT NULL,
    PRIMARY KEY (workflow_id, customer)
);

-- How many customers were there on a day and the time before on last_day, or -2147483648 for never (flow_rollup::visitor). Each of them counts
-- twice: by the day of the time before (width 1), and by the thirty days that it is in, named by their first (width 30).
CREATE TABLE returns (
    workflow_id uuid NOT NULL,
    width integer NOT NULL,
    last_day integer NOT NULL,
    day integer NOT NULL,
    customers bigint NOT NULL,
    PRIMARY KEY (workflow_id, width, last_day, day)
);
CREATE INDEX returns_by_age ON returns (day);

-- Makes both anew from visits; whoever counts waits meanwhile.
CREATE FUNCTION make_visitors() RETURNS void LANGUAGE plpgsql SET search_path = metrics, pg_temp AS $$
DECLARE
    never CONSTANT integer := -2147483648;
BEGIN
    PERFORM FROM progress WHERE id = 1 FOR UPDATE;
    TRUNCATE visitors, returns;
    INSERT INTO visitors SELECT workflow_id, customer, array_agg(day ORDER BY day)
    FROM (SELECT DISTINCT workflow_id, customer, floor(extract(epoch FROM quarter) / 86400)::integer AS day FROM visits) AS there
    GROUP BY 1, 2;
    INSERT INTO returns
    SELECT workflow_id, width, CASE last_day WHEN never THEN never ELSE floor(last_day::float8 / width)::integer * width END, day, count(*)
    FROM (SELECT workflow_id, COALESCE(lag(day) OVER (PARTITION BY workflow_id, customer ORDER BY day), never) AS last_day, day
        FROM visitors, UNNEST(days) AS day) AS steps, UNNEST(ARRAY[1, 30]) AS width
    GROUP BY 1, 2, 3, 4;
END $$;
REVOKE ALL ON FUNCTION make_visitors() FROM PUBLIC;
SELECT make_visitors();

GRANT SELECT ON rollups_by_day, days_to_sum, visitors, returns TO turnloom_metrics_account;
ALTER TABLE rollups_by_day ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON rollups_by_day TO turnloom_metrics USING (true);
CREATE POLICY of_account ON rollups_by_day TO turnloom_metrics_account USING (account_id = current_setting('turnloom.account')::uuid);
ALTER TABLE days_to_sum ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON days_to_sum TO turnloom_metrics USING (true);
CREATE POLICY of_account ON days_to_sum TO turnloom_metrics_account USING (account_id = current_setting('turnloom.account')::uuid);
