DROP TABLE retention;
DROP INDEX counters_by_hour;
