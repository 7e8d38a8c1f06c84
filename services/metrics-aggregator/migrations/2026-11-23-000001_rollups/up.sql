-- How far the event stream is folded: one row. Moves in the transaction that adds the numbers.
CREATE TABLE progress (
    id smallint PRIMARY KEY CHECK (id = 1),
    -- Creation time of the stream, Unix nanoseconds: another one is another stream, read from its start.
    incarnation bigint NOT NULL,
    stream_seq bigint NOT NULL
);
INSERT INTO progress (id, incarnation, stream_seq) VALUES (1, 0, 0);

-- The last event of each partition that is counted: the same event published again is not newer.
CREATE TABLE reached (
    partition integer PRIMARY KEY,
    commit_no bigint NOT NULL,
    index integer NOT NULL
);

-- Numbers by workflow, channel and quarter of an hour.
CREATE TABLE rollups (
    account_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    channel text NOT NULL,
    quarter timestamptz NOT NULL,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    duration_ms bigint NOT NULL DEFAULT 0,
    messages_received bigint NOT NULL DEFAULT 0,
    messages_sent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, workflow_id, quarter, channel)
);
