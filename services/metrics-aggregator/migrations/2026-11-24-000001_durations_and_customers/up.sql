-- When what a partition's last counted event tells happened: numbers are complete up to there.
ALTER TABLE reached ADD COLUMN at timestamptz NOT NULL DEFAULT 'epoch';

-- The durations of a bucket's executions (flow_rollup::Sketch).
ALTER TABLE rollups ADD COLUMN durations bytea NOT NULL DEFAULT '';

-- Who had executions in which quarter of an hour: distinct customers of any span are counted exactly from here.
CREATE TABLE visits (
    workflow_id uuid NOT NULL,
    quarter timestamptz NOT NULL,
    customer uuid NOT NULL,
    PRIMARY KEY (workflow_id, quarter, customer)
);
