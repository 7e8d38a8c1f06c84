DROP FUNCTION make_visitors();
DROP TABLE returns;
DROP TABLE visitors;
DROP TABLE days_to_sum;
DROP TABLE rollups_by_day;
ALTER TABLE progress RENAME COLUMN seq TO stream_seq;
