-- Rows of an account, beneath whatever a statement asks for. What is done on behalf of an account runs as turnloom_runner_account, which sees and
-- makes rows of the account that turnloom.account names, and none without a name; the service itself, which works for all, sees all. A
-- slice is reached through its table, whose policies count then.
GRANT USAGE ON SCHEMA runner TO turnloom_runner_account;
GRANT SELECT ON conversations, customers, executions, running_executions, conversation_counts, conversation_notes, counters, catalog_markers, mailboxes,
    activities, timers TO turnloom_runner_account;

ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON conversations TO turnloom_runner USING (true);
CREATE POLICY of_account ON conversations TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON customers TO turnloom_runner USING (true);
CREATE POLICY of_account ON customers TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE executions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON executions TO turnloom_runner USING (true);
CREATE POLICY of_account ON executions TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE running_executions ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON running_executions TO turnloom_runner USING (true);
CREATE POLICY of_account ON running_executions TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE conversation_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON conversation_counts TO turnloom_runner USING (true);
CREATE POLICY of_account ON conversation_counts TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);

ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON dead_letters TO turnloom_runner USING (true);
CREATE POLICY of_account ON dead_letters TO turnloom_runner_account USING (account_id = current_setting('turnloom.account')::uuid);
