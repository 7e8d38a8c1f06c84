-- Deleted workflows whose traces are to be erased when their time has come.
CREATE INDEX workflows_to_erase ON workflows (state_changed_at) WHERE status = 4;
