-- When a refresh token was made: a grant gives so many in an hour at most, since those that were used stay for thirty days.
ALTER TABLE oauth_refresh_tokens ADD COLUMN made_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX oauth_refresh_tokens_by_making ON oauth_refresh_tokens (grant_id, made_at);
-- The new one serves for it.
DROP INDEX oauth_refresh_tokens_by_grant;
