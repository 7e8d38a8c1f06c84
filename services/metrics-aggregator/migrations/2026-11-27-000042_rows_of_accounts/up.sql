-- Rows of an account, beneath whatever a statement asks for. What is done on behalf of an account runs as turnloom_metrics_account, which sees and
-- makes rows of the account that turnloom.account names, and none without a name; the service itself, which works for all, sees all. A
-- slice is reached through its table, whose policies count then.
GRANT USAGE ON SCHEMA metrics TO turnloom_metrics_account;
GRANT SELECT ON rollups, visits, reached, progress, retention TO turnloom_metrics_account;

ALTER TABLE rollups ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON rollups TO turnloom_metrics USING (true);
CREATE POLICY of_account ON rollups TO turnloom_metrics_account USING (account_id = current_setting('turnloom.account')::uuid);
