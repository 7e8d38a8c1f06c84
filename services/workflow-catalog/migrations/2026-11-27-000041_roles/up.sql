-- What the service may do at run time: it reads and writes its tables and is not their owner. pg::migrate has made the role. What a later
-- migration makes is for it, too, unless that migration says otherwise.
DO $$
DECLARE
    known text;
BEGIN
    FOR known IN SELECT relname FROM pg_class WHERE relnamespace = 'catalog'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname <> '__diesel_schema_migrations' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO turnloom_catalog', known);
    END LOOP;
END $$;
ALTER DEFAULT PRIVILEGES IN SCHEMA catalog GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO turnloom_catalog;
ALTER DEFAULT PRIVILEGES IN SCHEMA catalog GRANT USAGE ON SEQUENCES TO turnloom_catalog;
GRANT USAGE ON SCHEMA catalog TO turnloom_catalog;
-- Whether all migrations have run.
GRANT SELECT ON __diesel_schema_migrations TO turnloom_catalog;

-- What never changes, or never goes.
REVOKE UPDATE ON revisions FROM turnloom_catalog;
