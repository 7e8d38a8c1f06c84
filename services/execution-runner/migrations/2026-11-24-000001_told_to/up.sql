-- The broker (its server id) that the last owner told everything to before it handed the partition over. One that was
-- started again since may have forgotten the last of it.
ALTER TABLE partitions ADD COLUMN told_to text;
