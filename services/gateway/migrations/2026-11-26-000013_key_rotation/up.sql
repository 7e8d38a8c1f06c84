ALTER TABLE api_keys
    -- When its secret was replaced last.
    ADD COLUMN rotated_at timestamptz,
    -- When it was last let in: to the minute, and some seconds late.
    ADD COLUMN last_used_at timestamptz,
    -- Named by the settings, which name it again at each start: it must be known for ever, or it came back.
    ADD COLUMN configured boolean NOT NULL DEFAULT false;

-- Lists are by account, newest first: ids are of version 7.
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);

-- Secrets that were replaced, and until when they let in. The current one is in api_keys. Those of configured keys stay: what was
-- replaced must not come back with the next start.
CREATE TABLE retired_secrets (
    secret_sha256 bytea PRIMARY KEY,
    key_id uuid NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    valid_until timestamptz NOT NULL
);
CREATE INDEX retired_secrets_by_key ON retired_secrets (key_id);
