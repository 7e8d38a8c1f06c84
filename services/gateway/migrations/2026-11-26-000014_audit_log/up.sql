-- Who changed what: one row for each change that was made, refused for the key's level, or of which nobody knows whether it was made.
-- It stands by itself: what its rows name may be gone.
CREATE TABLE audit_log (
    -- Of version 7: newest first is by id.
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    at timestamptz NOT NULL,
    -- Null when no key was used: somebody on the command line.
    key_id uuid,
    -- The key's name then, or who else it was.
    actor text NOT NULL,
    -- The operation's id in the API's documentation, such as createWorkflow.
    action text NOT NULL,
    resource text,
    -- The HTTP status.
    status smallint NOT NULL,
    request_id text NOT NULL,
    remote_address text
);
CREATE INDEX audit_log_by_account ON audit_log (account_id, id);

-- Rows are only added. Retention, which says that it is that in its transaction, removes the oldest.
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('turnloom.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
