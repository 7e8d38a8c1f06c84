-- Processes that run turns. One row for each process and group; the database's clock says who is alive.
CREATE TABLE runners (
    id uuid NOT NULL,
    grp integer NOT NULL,
    name text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (id, grp)
);

-- Every commit goes through its partition's row: owner, epoch and cursor must be as the runner thinks.
CREATE TABLE partitions (
    id integer PRIMARY KEY,
    grp integer NOT NULL,
    owner uuid,
    owned_since timestamptz,
    expires_at timestamptz NOT NULL DEFAULT '-infinity',
    epoch bigint NOT NULL DEFAULT 0,
    -- Creation time of the stream that applied_seq counts in, Unix nanoseconds.
    incarnation bigint NOT NULL DEFAULT 0,
    applied_seq bigint NOT NULL DEFAULT 0,
    commit_no bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- One row for each conversation for ever: seq goes on when a flow is over. The wait_ columns are set while it waits.
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    partition integer NOT NULL,
    account_id uuid NOT NULL,
    channel smallint NOT NULL,
    customer_id text NOT NULL,
    seq bigint NOT NULL,
    wait_no bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    wait_workflow_id uuid,
    wait_revision integer,
    wait_started_state_no bigint,
    wait_node_id text,
    wait_state bytea,
    wait_until timestamptz
) WITH (fillfactor = 80);

CREATE TABLE customers (
    account_id uuid NOT NULL,
    customer_id text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, customer_id)
);

-- Finished executions, a partition for each day of started_at, dropped as a whole when its time is over. Steps, input and
-- output are folded into record (turnloom.v1.ExecutionRecord).
CREATE TABLE executions (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    revision integer NOT NULL,
    conversation_id uuid NOT NULL,
    customer_id text NOT NULL,
    channel smallint NOT NULL,
    status smallint NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz NOT NULL,
    partition integer NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (id, started_at)
) PARTITION BY RANGE (started_at);
CREATE INDEX executions_by_workflow ON executions (workflow_id, channel, status, started_at DESC, id DESC);
CREATE INDEX executions_by_conversation ON executions (conversation_id, started_at DESC, id DESC);

-- Executions that wait for an activity. Small; a row goes to executions once, when it is over.
CREATE TABLE running_executions (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    revision integer NOT NULL,
    conversation_id uuid NOT NULL UNIQUE,
    customer_id text NOT NULL,
    channel smallint NOT NULL,
    started_at timestamptz NOT NULL,
    partition integer NOT NULL,
    record bytea NOT NULL,
    state bytea NOT NULL
);
CREATE INDEX running_executions_by_workflow ON running_executions (workflow_id, started_at DESC, id DESC);

-- Inputs of conversations whose execution is running, in order.
CREATE TABLE mailboxes (
    conversation_id uuid NOT NULL,
    position bigint NOT NULL,
    partition integer NOT NULL,
    input bytea NOT NULL,
    PRIMARY KEY (conversation_id, position)
);

-- Due times. One whose wait_no is not the conversation's any more is dropped.
CREATE TABLE timers (
    conversation_id uuid NOT NULL,
    wait_no bigint NOT NULL,
    partition integer NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, wait_no)
);
CREATE INDEX timers_by_due ON timers (partition, due_at);

-- Slow effects under way; issued again at issue_at.
CREATE TABLE activities (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL,
    wait_no bigint NOT NULL,
    partition integer NOT NULL,
    kind text NOT NULL,
    request bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    issue_at timestamptz NOT NULL
);
CREATE INDEX activities_by_issue ON activities (partition, issue_at);

-- Messages that were handled: key is derived from conversation and message id. Slices of 30 days, dropped when over.
CREATE TABLE message_keys (
    key uuid NOT NULL,
    accepted_at timestamptz NOT NULL,
    execution_id uuid,
    workflow_id uuid,
    PRIMARY KEY (key, accepted_at)
) PARTITION BY RANGE (accepted_at);

-- How many executions, kept in the commit that adds them: totals and deep pages never count rows.
CREATE TABLE counters (
    workflow_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    channel smallint NOT NULL,
    status smallint NOT NULL,
    partition integer NOT NULL,
    executions bigint NOT NULL,
    PRIMARY KEY (workflow_id, hour, channel, status, partition)
) WITH (fillfactor = 80);

-- What each commit has to tell (turnloom.v1.Outbox). Open until it is published; kept a while to be published again.
CREATE TABLE outbox (
    partition integer NOT NULL,
    commit_no bigint NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (partition, commit_no)
) WITH (fillfactor = 90);
CREATE INDEX outbox_open ON outbox (partition, commit_no) WHERE closed_at IS NULL;
CREATE INDEX outbox_closed ON outbox (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE dead_letters (
    incarnation bigint NOT NULL,
    grp integer NOT NULL,
    seq bigint NOT NULL,
    position integer NOT NULL,
    payload bytea NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (incarnation, grp, seq, position)
);

-- Catalog markers (turnloom.v1.CatalogMarker) by their place in the stream, so that a new owner meets what its cursor's inputs met.
CREATE TABLE catalog_markers (
    grp integer NOT NULL,
    workflow_id uuid NOT NULL,
    state_no bigint NOT NULL,
    incarnation bigint NOT NULL,
    seq bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (grp, workflow_id, state_no)
);
