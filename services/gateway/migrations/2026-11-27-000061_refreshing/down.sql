CREATE INDEX oauth_refresh_tokens_by_grant ON oauth_refresh_tokens (grant_id);
DROP INDEX oauth_refresh_tokens_by_making;
ALTER TABLE oauth_refresh_tokens DROP COLUMN made_at;
