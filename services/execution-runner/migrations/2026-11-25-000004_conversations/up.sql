-- A person who has the conversation instead of the bot, and whose turn it is; owner_epoch goes up with each change.
-- A conversation without customer_id is erased: its numbers go on.
ALTER TABLE conversations
    ADD COLUMN created_at timestamptz,
    ADD COLUMN wait_failed_execution_id uuid,
    ADD COLUMN owner_epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN person_team text,
    ADD COLUMN person_agent text,
    ADD COLUMN person_note text,
    ADD COLUMN person_since timestamptz,
    ADD COLUMN person_until timestamptz,
    ADD COLUMN person_return_after_ms bigint;
UPDATE conversations SET created_at = updated_at;
ALTER TABLE conversations ALTER COLUMN created_at SET NOT NULL;
-- Both change with what hardly ever changes, so that a turn's update stays on its page.
CREATE INDEX conversations_by_account ON conversations (account_id, created_at DESC, id DESC) WHERE customer_id <> '';
CREATE INDEX conversations_with_person ON conversations (account_id, created_at DESC, id DESC) WHERE person_since IS NOT NULL;

-- How many there are, kept in the commits that make and erase them.
CREATE TABLE conversation_counts (
    account_id uuid NOT NULL,
    channel smallint NOT NULL,
    partition integer NOT NULL,
    conversations bigint NOT NULL,
    PRIMARY KEY (account_id, channel, partition)
) WITH (fillfactor = 80);
INSERT INTO conversation_counts SELECT account_id, channel, partition, count(*) FROM conversations GROUP BY 1, 2, 3;

-- What happened to conversations beside executions: messages that no workflow took or that went to a person, what a person
-- said, changes of owner. entry is a turnloom.v1.OutboxEntry. Slices of 30 days.
CREATE TABLE conversation_notes (
    conversation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    conversation_seq bigint NOT NULL,
    partition integer NOT NULL,
    entry bytea NOT NULL,
    PRIMARY KEY (conversation_id, at, conversation_seq)
) PARTITION BY RANGE (at);
