DROP FUNCTION drop_slice(text, bigint);
DROP FUNCTION lock_slice(text, bigint);
DROP FUNCTION make_slice(text, bigint);
DROP FUNCTION slice_name(text, bigint);
ALTER DEFAULT PRIVILEGES IN SCHEMA metrics REVOKE ALL ON TABLES FROM turnloom_metrics;
ALTER DEFAULT PRIVILEGES IN SCHEMA metrics REVOKE ALL ON SEQUENCES FROM turnloom_metrics;
REVOKE ALL ON ALL TABLES IN SCHEMA metrics FROM turnloom_metrics;
REVOKE ALL ON SCHEMA metrics FROM turnloom_metrics;
