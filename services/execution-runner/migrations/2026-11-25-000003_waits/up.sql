-- What a conversation waits for (0 nothing or the customer, 1 a time, 2 an activity), since when, and when its timer is due.
ALTER TABLE conversations
    ADD COLUMN wait_on smallint NOT NULL DEFAULT 0,
    ADD COLUMN wait_since timestamptz,
    ADD COLUMN wait_timer_at timestamptz,
    -- Its mailbox holds the positions from the first to before the second.
    ADD COLUMN mail_from bigint NOT NULL DEFAULT 0,
    ADD COLUMN mail_to bigint NOT NULL DEFAULT 0;

-- The flow's state is the conversation's. Who waits for the execution, and how much of it is told.
ALTER TABLE running_executions
    DROP COLUMN state,
    ADD COLUMN answer_to text NOT NULL DEFAULT '',
    ADD COLUMN events_told integer NOT NULL DEFAULT 0,
    ADD COLUMN replies_told integer NOT NULL DEFAULT 0;

-- The key of a message or start, so that its sender can be told that it waits.
ALTER TABLE mailboxes ADD COLUMN key uuid;
CREATE INDEX mailboxes_by_key ON mailboxes (key);

-- request is a turnloom.v1.Activity.
ALTER TABLE activities DROP COLUMN attempts;
