-- Requests that carry an Idempotency-Key, and what was answered (src/idempotency.rs).
CREATE TABLE idempotency_keys (
    account_id uuid NOT NULL,
    -- The route, such as /v1/workflows; the method is always POST.
    operation text NOT NULL,
    key text NOT NULL,
    -- Of path, query and body.
    request_sha256 bytea NOT NULL,
    -- Who carries it out, or did last.
    owner uuid NOT NULL,
    -- While it has no answer: until when its owner may carry it out.
    running_until timestamptz NOT NULL,
    -- The answer, all or nothing of it.
    status smallint,
    -- [[name, value], …]
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, operation, key),
    CHECK (num_nulls(status, headers, body) IN (0, 3))
);
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
