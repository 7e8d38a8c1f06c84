-- What accounts entrust to us, sealed by the gateway: nobody can read it here.
CREATE TABLE secrets (
    account_id uuid NOT NULL,
    name text NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, name)
);
