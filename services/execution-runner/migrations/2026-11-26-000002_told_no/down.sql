DROP INDEX outbox_by_age;
ALTER TABLE outbox ADD COLUMN closed_at timestamptz;
UPDATE outbox SET closed_at = now() FROM partitions WHERE partitions.id = outbox.partition AND outbox.commit_no <= told_no;
CREATE INDEX outbox_open ON outbox (partition, commit_no) WHERE closed_at IS NULL;
CREATE INDEX outbox_closed ON outbox (closed_at) WHERE closed_at IS NOT NULL;
ALTER TABLE partitions DROP COLUMN told_no;
