-- A pool is its owner's to change; to make one takes EXECUTE; leases are for its users, everybody unless its
-- owner says otherwise (sql/owners.sql); details of others are hidden.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

CREATE ROLE numpool_plain;
CREATE ROLE numpool_admin;
CREATE ROLE numpool_monitor IN ROLE pg_read_all_stats;
SELECT numpool_create('priv', 3, '{"a": 1}');
SELECT numpool_acquire('priv');                                       -- 0
SELECT (numpool_enqueue('priv')).index;                               -- 1
SELECT (numpool_enqueue('priv')).index;                               -- 2
SELECT (numpool_enqueue('priv')).index;                               -- null: waiting

SET ROLE numpool_plain;
SELECT numpool_create('priv2', 1);                                    -- 42501
SELECT numpool_drop('priv');                                          -- 42501
SELECT numpool_resize('priv', 9);                                     -- 42501
SELECT numpool_configure('priv', '{"cooldown": "1 s"}');              -- 42501
SELECT numpool_set_metadata('priv', '2');                             -- 42501
SELECT numpool_replace_metadata('priv', '1', '2');                    -- 42501
SELECT numpool_end_lease('priv', 0);                                  -- 42501
-- the rest is open, without rights on the table or the sequence
SELECT * FROM numpool_list('priv') AS pool;
SELECT numpool_metadata('priv');
SELECT numpool_xact_lock('priv');
SELECT numpool_try_acquire('priv');                                   -- null
SELECT numpool_fence('priv', 0) IS NOT NULL AS same_session;          -- t
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/'
SELECT numpool_release('priv', 0);                                    -- t: the session holds it, whatever its role
\o
SELECT numpool_channel() IS NOT NULL AS channel;
SELECT pool, size, waiting FROM numpool_pools WHERE pool = 'priv';
SELECT count(*) FROM numpool_leases WHERE pool = 'priv';
RESET ROLE;
SELECT numpool_release_all();

-- no rights on what lies below
SET ROLE numpool_plain;
SELECT has_table_privilege('numpool_plain', c, 'INSERT, UPDATE, DELETE, TRUNCATE') AS may_write, c IS NOT NULL AS found
  FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'numpool' ORDER BY c;
RESET ROLE;

-- first acquire of a plain role, of a pool that is not loaded yet
SELECT numpool_create('priv_fresh', 1);
SET SESSION AUTHORIZATION numpool_plain;
SELECT numpool_acquire('priv_fresh');                                 -- 0
SELECT numpool_release('priv_fresh', 0);
RESET SESSION AUTHORIZATION;

-- granted, an admin role may make pools; they are its own, and no others
GRANT EXECUTE ON FUNCTION numpool_create(text, int, jsonb, boolean, jsonb) TO numpool_admin;
SET ROLE numpool_admin;
SELECT numpool_create('priv2', 1);                                    -- t
SELECT numpool_resize('priv2', 2);                                    -- 1
SELECT numpool_set_metadata('priv2', '1');
SELECT numpool_replace_metadata('priv2', '1', '2');                   -- t
SELECT numpool_drop('priv');                                          -- 42501
SET ROLE numpool_plain;
SELECT numpool_drop('priv2');                                         -- 42501
SET ROLE numpool_admin;
SELECT numpool_drop('priv2');                                         -- t
RESET ROLE;

-- who may execute what
SELECT p.proname, has_function_privilege('numpool_plain', p.oid, 'EXECUTE') AS everybody
  FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'numpool'
 WHERE p.prorettype <> 'trigger'::regtype ORDER BY p.proname COLLATE "C";
SELECT numpool_drop('priv'), numpool_drop('priv_fresh');
REVOKE EXECUTE ON FUNCTION numpool_create(text, int, jsonb, boolean, jsonb) FROM numpool_admin;
DROP ROLE numpool_plain, numpool_admin, numpool_monitor;
