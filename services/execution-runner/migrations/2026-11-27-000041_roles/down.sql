DROP FUNCTION drop_slice(text, bigint);
DROP FUNCTION lock_slice(text, bigint);
DROP FUNCTION make_slice(text, bigint);
DROP FUNCTION slice_name(text, bigint);
ALTER DEFAULT PRIVILEGES IN SCHEMA runner REVOKE ALL ON TABLES FROM turnloom_runner;
ALTER DEFAULT PRIVILEGES IN SCHEMA runner REVOKE ALL ON SEQUENCES FROM turnloom_runner;
REVOKE ALL ON ALL TABLES IN SCHEMA runner FROM turnloom_runner;
REVOKE ALL ON SCHEMA runner FROM turnloom_runner;
