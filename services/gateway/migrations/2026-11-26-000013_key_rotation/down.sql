DROP TABLE retired_secrets;
DROP INDEX api_keys_by_account;
ALTER TABLE api_keys DROP COLUMN configured, DROP COLUMN last_used_at, DROP COLUMN rotated_at;
