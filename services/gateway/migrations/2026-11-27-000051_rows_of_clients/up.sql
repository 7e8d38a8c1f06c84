-- Clients are rows of an account like its keys. What they were given is the service's business: tokens come before an account is known.
GRANT SELECT, INSERT, DELETE ON oauth_clients TO turnloom_gateway_account;
ALTER TABLE oauth_clients ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_all ON oauth_clients TO turnloom_gateway USING (true);
CREATE POLICY of_account ON oauth_clients TO turnloom_gateway_account USING (account_id = current_setting('turnloom.account')::uuid);
