-- Rows of an account, beneath whatever a statement asks for. What is done on behalf of an account runs as turnloom_gateway_account, which sees and
-- makes rows of the account that turnloom.account names, and none without a name; the service itself, which works for all, sees all. A
-- slice is reached through its table, whose policies count then.
GRANT USAGE ON SCHEMA gateway TO turnloom_gateway_account;
GRANT SELECT, UPDATE ON accounts TO turnloom_gateway_account;
GRANT SELECT, INSERT, UPDATE ON api_keys, idempotency_keys TO turnloom_gateway_account;
GRANT SELECT, INSERT, UPDATE, DELETE ON retired_secrets TO turnloom_gateway_account;
GRANT SELECT, INSERT ON audit_log TO turnloom_gateway_account;

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON api_keys TO turnloom_gateway USING (true);
CREATE POLICY of_account ON api_keys TO turnloom_gateway_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON idempotency_keys TO turnloom_gateway USING (true);
CREATE POLICY of_account ON idempotency_keys TO turnloom_gateway_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON audit_log TO turnloom_gateway USING (true);
CREATE POLICY of_account ON audit_log TO turnloom_gateway_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON accounts TO turnloom_gateway USING (true);
CREATE POLICY of_account ON accounts TO turnloom_gateway_account USING (id = current_setting('turnloom.account')::uuid);
