-- What the service may do at run time: it reads and writes its tables and is not their owner. pg::migrate has made the role. What a later
-- migration makes is for it, too, unless that migration says otherwise.
DO $$
DECLARE
    known text;
BEGIN
    FOR known IN SELECT relname FROM pg_class WHERE relnamespace = 'metrics'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname <> '__diesel_schema_migrations' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO turnloom_metrics', known);
    END LOOP;
END $$;
ALTER DEFAULT PRIVILEGES IN SCHEMA metrics GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO turnloom_metrics;
ALTER DEFAULT PRIVILEGES IN SCHEMA metrics GRANT USAGE ON SEQUENCES TO turnloom_metrics;
GRANT USAGE ON SCHEMA metrics TO turnloom_metrics;
-- Whether all migrations have run.
GRANT SELECT ON __diesel_schema_migrations TO turnloom_metrics;

-- What never changes, or never goes.
REVOKE INSERT, DELETE ON progress FROM turnloom_metrics;
REVOKE DELETE ON retention FROM turnloom_metrics;

-- Slices of thirty days take an owner: these run as the owner, and only for the tables that are named here. A slice is reached through its
-- table only.
CREATE FUNCTION slice_name(of_table text, slice bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF of_table NOT IN ('rollups', 'visits') OR of_table IS NULL OR slice IS NULL THEN
        RAISE EXCEPTION 'no table that is cut by time' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN of_table || '_' || replace(slice::text, '-', 'minus');
END $$;

-- Makes a slice if there is none. It is made beside the table and then attached, which takes no lock that readers and writers meet.
CREATE FUNCTION make_slice(of_table text, slice bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = metrics, pg_temp AS $$
DECLARE
    name text := slice_name(of_table, slice);
BEGIN
    -- One at a time; an arbitrary number.
    PERFORM pg_advisory_xact_lock(126909461783923);
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, of_table);
        EXECUTE format('REVOKE ALL ON %I FROM turnloom_metrics', name);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', of_table, name,
            to_timestamp(slice * 2592000), to_timestamp((slice + 1) * 2592000));
    END IF;
END $$;

-- Locks the table and a slice of it until the transaction ends; whether there is such a slice.
CREATE FUNCTION lock_slice(of_table text, slice bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = metrics, pg_temp AS $$
DECLARE
    name text := slice_name(of_table, slice);
BEGIN
    -- The table first, as everybody does who reads the slice through it.
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', of_table);
    IF to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', name);
    RETURN true;
END $$;

CREATE FUNCTION drop_slice(of_table text, slice bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = metrics, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE %I', slice_name(of_table, slice));
END $$;

REVOKE ALL ON FUNCTION make_slice(text, bigint), lock_slice(text, bigint), drop_slice(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_slice(text, bigint), lock_slice(text, bigint), drop_slice(text, bigint) TO turnloom_metrics;
