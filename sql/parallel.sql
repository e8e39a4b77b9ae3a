-- A lease taken in a parallel worker would end with the worker: numpool refuses to run in one, however it
-- came to be there.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('parallel', 2);
-- wrappers that lie about being safe
CREATE FUNCTION safe_acquire() RETURNS int LANGUAGE sql PARALLEL SAFE AS $$ SELECT numpool_try_acquire('parallel') $$;
CREATE FUNCTION safe_release() RETURNS boolean LANGUAGE sql PARALLEL SAFE AS $$ SELECT numpool_release('parallel', 0) $$;
CREATE FUNCTION safe_list() RETURNS bigint LANGUAGE sql PARALLEL SAFE AS $$ SELECT count(*) FROM numpool_list('parallel') $$;
CREATE FUNCTION safe_view() RETURNS bigint LANGUAGE sql PARALLEL SAFE AS $$ SELECT count(*) FROM numpool_leases $$;

-- force_parallel_mode up to PostgreSQL 15, debug_parallel_query since
SELECT count(set_config(name, 'on', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT safe_acquire();                                                -- 25000
SELECT safe_release();                                                -- 25000
SELECT safe_list();                                                   -- 25000
SELECT safe_view();                                                   -- 25000
-- honest ones stay in the session
SELECT numpool_try_acquire('parallel');                               -- 0
SELECT numpool_release('parallel', 0);                                -- t
SELECT count(set_config(name, 'off', false)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT safe_acquire();                                                -- 0
SELECT safe_release();                                                -- t
SELECT in_use FROM numpool_pools WHERE pool = 'parallel';             -- 0
SELECT numpool_drop('parallel');
DROP FUNCTION safe_acquire, safe_release, safe_list, safe_view;
