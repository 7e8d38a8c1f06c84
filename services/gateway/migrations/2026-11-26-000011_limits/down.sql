DROP TABLE rate_ledgers;
ALTER TABLE api_keys DROP COLUMN limits;
ALTER TABLE accounts DROP COLUMN limits;
