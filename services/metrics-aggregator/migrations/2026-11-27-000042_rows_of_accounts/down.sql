DROP POLICY of_account ON rollups;
DROP POLICY of_all ON rollups;
ALTER TABLE rollups DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON ALL TABLES IN SCHEMA metrics FROM turnloom_metrics_account;
REVOKE ALL ON SCHEMA metrics FROM turnloom_metrics_account;
