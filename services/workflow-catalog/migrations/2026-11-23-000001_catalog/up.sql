-- Workflows as their users see them. A deleted one stays, nameless to others, until nothing refers to it any more.
CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    -- The name without outer blanks, in lower case: unique in the account.
    name_key text NOT NULL,
    description text NOT NULL,
    -- Name and description in lower case, for searching.
    search_text text NOT NULL,
    channel text NOT NULL,
    -- 1 draft, 2 active, 3 inactive, 4 deleted (turnloom.v1.WorkflowStatus)
    status smallint NOT NULL,
    revision integer NOT NULL,
    -- Goes up with every change that runners must see, and says which of two markers is newer.
    state_no bigint NOT NULL DEFAULT 0,
    state_changed_at timestamptz NOT NULL,
    cancel_before_state_no bigint NOT NULL DEFAULT 0,
    -- The state that every group's stream is known to hold, and the streams that hold it.
    announced_no bigint NOT NULL DEFAULT 0,
    announced_incarnation bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    activated_at timestamptz,
    deactivated_at timestamptz
);
CREATE UNIQUE INDEX workflows_by_name ON workflows (account_id, name_key) WHERE status <> 4;
CREATE INDEX workflows_newest_first ON workflows (account_id, created_at DESC, id DESC) WHERE status <> 4;
CREATE INDEX workflows_to_announce ON workflows (state_changed_at) WHERE announced_no < state_no;

-- What a workflow did at one time; never changed.
CREATE TABLE revisions (
    workflow_id uuid NOT NULL,
    revision integer NOT NULL,
    channel text NOT NULL,
    -- JSON with the fields in the user's order.
    configuration bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, revision)
);
