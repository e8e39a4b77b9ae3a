-- Code that runs in a superuser's session though somebody else wrote it: it may not lease or release
-- for that session.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
SELECT numpool_create('restricted', 2);
CREATE ROLE numpool_joe;
CREATE SCHEMA joe AUTHORIZATION numpool_joe;
SELECT numpool_acquire('restricted') AS held;
SET ROLE numpool_joe;
-- from PostgreSQL 17 on REFRESH searches pg_catalog only
CREATE FUNCTION joe.f(x int, statement text) RETURNS int LANGUAGE plpgsql IMMUTABLE
  SET search_path = public AS $$
BEGIN
  EXECUTE statement;
  RETURN x;
END $$;
RESET ROLE;
-- REFRESH evaluates it as the view's owner
CREATE FUNCTION joe_tries(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    EXECUTE format($f$CREATE MATERIALIZED VIEW joe.m AS SELECT joe.f(1, %L) WITH NO DATA$f$, statement);
    ALTER MATERIALIZED VIEW joe.m OWNER TO numpool_joe;
    REFRESH MATERIALIZED VIEW joe.m;
    DROP MATERIALIZED VIEW joe.m;
    RETURN 'done';
  EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
  END;
END $$;
SELECT joe_tries('SELECT 1');                                         -- done
SELECT joe_tries('SELECT numpool_acquire(''restricted'')');           -- 42501
SELECT joe_tries('SELECT numpool_try_acquire(''restricted'')');       -- 42501
SELECT joe_tries('SELECT * FROM numpool_enqueue(''restricted'')');    -- 42501
SELECT joe_tries('SELECT numpool_release(''restricted'', 0)');        -- 42501
SELECT joe_tries('SELECT numpool_release(''restricted'', 0, 1)');     -- 42501
SELECT joe_tries('SELECT numpool_release_all()');                     -- 42501
SELECT joe_tries('SELECT numpool_cancel(1)');                         -- 42501
SELECT joe_tries('SELECT numpool_try_acquire_xact(''restricted'')');  -- done: it ends with the transaction
SELECT pool, index, scope FROM numpool_leases WHERE pool = 'restricted';
SELECT numpool_release_all();
SELECT numpool_drop('restricted');
DROP FUNCTION joe_tries(text);
SET client_min_messages = warning;
DROP SCHEMA joe CASCADE;
DROP ROLE numpool_joe;
