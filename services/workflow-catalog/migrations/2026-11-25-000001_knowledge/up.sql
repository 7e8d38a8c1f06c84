-- What answers are taken from.
CREATE TABLE knowledge_bases (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    -- The name in lower case: unique in the account.
    name_key text NOT NULL,
    description text NOT NULL,
    -- ISO 639-1; empty when each document's own is detected.
    language text NOT NULL,
    -- Goes up with every change of its passages and their vectors.
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX knowledge_bases_by_name ON knowledge_bases (account_id, name_key);
CREATE INDEX knowledge_bases_newest_first ON knowledge_bases (account_id, created_at DESC, id DESC);

-- Documents as they were put last, without their bytes: passages are all that is kept of them.
CREATE TABLE documents (
    base_id uuid NOT NULL REFERENCES knowledge_bases ON DELETE CASCADE,
    -- The caller's own.
    id text NOT NULL,
    title text NOT NULL,
    content_type text NOT NULL,
    language text NOT NULL,
    bytes bigint NOT NULL,
    passages integer NOT NULL,
    -- Of all passages.
    words bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (base_id, id)
);
CREATE INDEX documents_newest_first ON documents (base_id, created_at DESC, id DESC);

CREATE TABLE passages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base_id uuid NOT NULL,
    document_id text NOT NULL,
    -- In the document, from 0.
    position integer NOT NULL,
    headings text[] NOT NULL,
    body text NOT NULL,
    language text NOT NULL,
    words integer NOT NULL,
    -- Weight A: headings, B: the document's title, D: the text.
    search tsvector NOT NULL,
    -- Of length 1; null when the model below could make nothing of it.
    embedding real[],
    -- The model that told it; empty until one has.
    embedding_model text NOT NULL DEFAULT '',
    FOREIGN KEY (base_id, document_id) REFERENCES documents ON DELETE CASCADE
);
CREATE UNIQUE INDEX passages_by_document ON passages (base_id, document_id, position);
CREATE INDEX passages_by_model ON passages (embedding_model, id);
CREATE INDEX passages_by_word ON passages USING gin (search);

-- Parts of documents that do not fit into one message, until they are put together.
CREATE TABLE uploads (
    account_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    part integer NOT NULL,
    data bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, upload_id, part)
);
CREATE INDEX uploads_oldest_first ON uploads (created_at);
