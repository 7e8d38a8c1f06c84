-- The commits up to told_no are told; later rows of the outbox are open. One number for each partition, which moves with the
-- next commit, instead of a second version of each row.
ALTER TABLE partitions ADD COLUMN told_no bigint NOT NULL DEFAULT 0;
UPDATE partitions SET told_no = COALESCE(
    (SELECT min(outbox.commit_no) - 1 FROM outbox WHERE outbox.partition = partitions.id AND closed_at IS NULL), commit_no);
DROP INDEX outbox_open;
DROP INDEX outbox_closed;
ALTER TABLE outbox DROP COLUMN closed_at;
CREATE INDEX outbox_by_age ON outbox (created_at);
