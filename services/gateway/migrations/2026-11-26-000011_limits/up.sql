-- Limits of an account, and of one key, that are not as usual: {"read": 5000, "delete": 0}. What is not named is as usual.
ALTER TABLE accounts ADD COLUMN limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object');
ALTER TABLE api_keys ADD COLUMN limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object');

-- What counts against the limits, a row for each key and class (src/limit.rs). Rows are written often and are small, so
-- pages have room for their next version.
CREATE TABLE rate_ledgers (
    key_id uuid NOT NULL,
    -- 1 read, 2 write, 3 delete, 4 execution
    class smallint NOT NULL,
    ledger jsonb NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key_id, class)
) WITH (fillfactor = 50);
