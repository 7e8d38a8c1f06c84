DROP POLICY of_account ON oauth_clients;
DROP POLICY of_all ON oauth_clients;
ALTER TABLE oauth_clients DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON oauth_clients FROM turnloom_gateway_account;
