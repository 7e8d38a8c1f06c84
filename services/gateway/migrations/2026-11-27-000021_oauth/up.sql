-- Programs that act for an account by OAuth 2.0 (src/oauth.rs). Removing one removes all that it was given.
CREATE TABLE oauth_clients (
    -- Of version 7: lists are by account, newest first.
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    name text NOT NULL,
    -- The most that it may ask for: 1 read_only, 2 read_write, 3 full_access
    level smallint NOT NULL,
    -- A client with a secret is confidential, one without is public. 196 random bits need no slow hash.
    secret_sha256 bytea,
    -- authorization_code, client_credentials
    grant_types text[] NOT NULL,
    redirect_uris text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);
CREATE INDEX oauth_clients_by_account ON oauth_clients (account_id, id);

-- What a client was given once, with all tokens that came of it: a family. It ends as a whole.
CREATE TABLE oauth_grants (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    level smallint NOT NULL,
    -- The key of whoever consented; none of client credentials.
    granted_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    -- No token of it is good any longer then.
    expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);
CREATE INDEX oauth_grants_by_end ON oauth_grants (expires_at);

-- Authorization codes. One that was used stays as long as what it gave, so that its second use is noticed.
CREATE TABLE oauth_codes (
    code_sha256 bytea PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    redirect_uri text NOT NULL,
    -- Whether the authorization request named it; then the token request must, too.
    redirect_uri_given boolean NOT NULL,
    -- BASE64URL(SHA256(verifier))
    challenge text NOT NULL,
    level smallint NOT NULL,
    granted_by uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    -- What its use gave.
    grant_id uuid REFERENCES oauth_grants (id) ON DELETE CASCADE
);
CREATE INDEX oauth_codes_by_client ON oauth_codes (client_id);
CREATE INDEX oauth_codes_by_grant ON oauth_codes (grant_id);
CREATE INDEX oauth_codes_by_end ON oauth_codes (expires_at) WHERE grant_id IS NULL;

-- Refresh tokens. One that was used stays until its time is over, so that its second use is noticed.
CREATE TABLE oauth_refresh_tokens (
    token_sha256 bytea PRIMARY KEY,
    grant_id uuid NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    used_at timestamptz,
    expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_refresh_tokens_by_grant ON oauth_refresh_tokens (grant_id);
CREATE INDEX oauth_refresh_tokens_by_end ON oauth_refresh_tokens (expires_at);

-- What access tokens are signed with, for all gateways.
CREATE TABLE oauth_signing_keys (
    -- Of two gateways that make the next one at once only one does.
    number bigint PRIMARY KEY,
    -- Names it in tokens and in the JWKS.
    id uuid NOT NULL UNIQUE,
    -- The point on P-256, uncompressed.
    public_key bytea NOT NULL,
    -- PKCS#8, sealed with the operator's key for secrets when there was one.
    private_key bytea NOT NULL,
    sealed boolean NOT NULL,
    signs_from timestamptz NOT NULL,
    signs_until timestamptz NOT NULL
);

-- Who changed something with an access token: its client.
ALTER TABLE audit_log ADD COLUMN client_id uuid;
