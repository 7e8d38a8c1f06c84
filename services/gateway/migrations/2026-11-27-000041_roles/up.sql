-- What the service may do at run time: it reads and writes its tables and is not their owner. pg::migrate has made the role. What a later
-- migration makes is for it, too, unless that migration says otherwise.
DO $$
DECLARE
    known text;
BEGIN
    FOR known IN SELECT relname FROM pg_class WHERE relnamespace = 'gateway'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname <> '__diesel_schema_migrations' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO turnloom_gateway', known);
    END LOOP;
END $$;
ALTER DEFAULT PRIVILEGES IN SCHEMA gateway GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO turnloom_gateway;
ALTER DEFAULT PRIVILEGES IN SCHEMA gateway GRANT USAGE ON SEQUENCES TO turnloom_gateway;
GRANT USAGE ON SCHEMA gateway TO turnloom_gateway;
-- Whether all migrations have run.
GRANT SELECT ON __diesel_schema_migrations TO turnloom_gateway;

-- What never changes, or never goes.
REVOKE UPDATE ON audit_log FROM turnloom_gateway;
REVOKE DELETE ON accounts FROM turnloom_gateway;
