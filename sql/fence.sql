-- Fences: one block serves all pools, each grant gets a larger one, nothing is logged for it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('fence', 3), numpool_create('fence_b', 3);
-- grants in order have fences in order, whatever the scope and however the lease ended
CREATE TEMP TABLE seen (n serial, pool text, fence bigint);
INSERT INTO seen (pool, fence) SELECT p, numpool_fence(p, i) FROM unnest(ARRAY['fence', 'fence_b', 'fence']) AS p, numpool_acquire(p) AS i;
SELECT numpool_release_all();
INSERT INTO seen (pool, fence) SELECT p, numpool_fence(p, i) FROM unnest(ARRAY['fence', 'fence_b']) AS p, numpool_acquire_xact(p) AS i;
INSERT INTO seen (pool, fence) SELECT 'fence', fence FROM numpool_enqueue('fence');
SELECT numpool_release_all();
BEGIN;
SELECT numpool_acquire('fence') AS i \gset
SELECT numpool_fence('fence', :i) AS f \gset
ROLLBACK;
INSERT INTO seen (pool, fence) VALUES ('fence', :f);
-- after a resize, and after drop and re-create
SELECT numpool_resize('fence', 1);
INSERT INTO seen (pool, fence) SELECT 'fence', numpool_fence('fence', i) FROM numpool_acquire_xact('fence') AS i;
SELECT numpool_resize('fence', 500);
INSERT INTO seen (pool, fence) SELECT 'fence', numpool_fence('fence', i) FROM numpool_acquire_xact('fence') AS i;
SELECT numpool_drop('fence'), numpool_create('fence', 3);
INSERT INTO seen (pool, fence) SELECT 'fence', numpool_fence('fence', i) FROM numpool_acquire_xact('fence') AS i;
SELECT pool, count(*), count(DISTINCT fence),
       bool_and(coalesce(fence > (SELECT max(fence) FROM seen o WHERE o.pool = s.pool AND o.n < s.n), true)) AS grows,
       min(fence) > 0 AS positive, max(fence) < 9007199254740992 AS exact_as_double
  FROM seen s GROUP BY pool ORDER BY pool;

-- an acquire and a release write no WAL and get no transaction id
SELECT numpool_release('fence', numpool_acquire('fence'));
SELECT pg_current_wal_insert_lsn() AS before \gset
BEGIN;
SELECT count(numpool_release('fence', numpool_acquire('fence'))) FROM generate_series(1, 1000);
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;            -- t
COMMIT;
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'before') < 20000 AS quiet;  -- t
-- and take no lock that outlives the call, but the ones of the transaction itself
BEGIN;
SELECT numpool_acquire('fence');
SELECT locktype, mode FROM pg_locks
 WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid' AND (relation IS NULL OR relation <> 'pg_locks'::regclass);  -- none
SELECT numpool_release('fence', 0);
COMMIT;
DROP TABLE seen;
SELECT numpool_drop('fence'), numpool_drop('fence_b');
