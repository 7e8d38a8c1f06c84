-- Rows of an account, beneath whatever a statement asks for. What is done on behalf of an account runs as turnloom_catalog_account, which sees and
-- makes rows of the account that turnloom.account names, and none without a name; the service itself, which works for all, sees all. A
-- slice is reached through its table, whose policies count then.
GRANT USAGE ON SCHEMA catalog TO turnloom_catalog_account;
GRANT SELECT, INSERT, UPDATE ON workflows TO turnloom_catalog_account;
GRANT SELECT, INSERT ON revisions TO turnloom_catalog_account;
GRANT SELECT, INSERT, UPDATE, DELETE ON knowledge_bases, uploads, secrets TO turnloom_catalog_account;
GRANT SELECT ON documents, passages TO turnloom_catalog_account;

ALTER TABLE workflows ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON workflows TO turnloom_catalog USING (true);
CREATE POLICY of_account ON workflows TO turnloom_catalog_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE knowledge_bases ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON knowledge_bases TO turnloom_catalog USING (true);
CREATE POLICY of_account ON knowledge_bases TO turnloom_catalog_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON uploads TO turnloom_catalog USING (true);
CREATE POLICY of_account ON uploads TO turnloom_catalog_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON secrets TO turnloom_catalog USING (true);
CREATE POLICY of_account ON secrets TO turnloom_catalog_account USING (account_id = current_setting('turnloom.account')::uuid);
