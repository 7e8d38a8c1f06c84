DROP TABLE visits;
ALTER TABLE rollups DROP COLUMN durations;
ALTER TABLE reached DROP COLUMN at;
