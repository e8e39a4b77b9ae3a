-- Taking, releasing and looking at leases; fences grow.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('leases', 3);
-- lowest first
SELECT numpool_acquire('leases');                                     -- 0
SELECT numpool_try_acquire('leases');                                 -- 1
SELECT numpool_acquire('leases', '1 s');                              -- 2
SELECT numpool_try_acquire('leases');                                 -- null
SELECT numpool_acquire('leases', '0');                                -- null
SELECT numpool_try_acquire_xact('leases');                            -- null
SELECT numpool_acquire_xact('leases', '0');                           -- null
SELECT numpool_release('leases', 1);                                  -- t
SELECT numpool_release('leases', 0);                                  -- t
SELECT numpool_try_acquire('leases');                                 -- 0
SELECT numpool_try_acquire('leases');                                 -- 1
SELECT size, in_use, free, waiting FROM numpool_pools WHERE pool = 'leases';   -- 3, 3, 0, 0

-- release: false and a warning for what this session does not hold
SELECT numpool_release('leases', 2);                                  -- t
SELECT numpool_release('leases', 2);                                  -- f, warning
SELECT numpool_release('leases', 3);                                  -- 22023
SELECT numpool_release('leases', -1);                                 -- 22023

-- fences: one per lease, larger each time
SELECT numpool_fence('leases', 2) AS "not held", numpool_fence('leases', NULL) AS "no index";
SELECT numpool_fence('leases', 0) < numpool_fence('leases', 1) AS grows;       -- t
SELECT numpool_fence('leases', 1) AS before \gset
SELECT numpool_release('leases', 1);
SELECT i, numpool_fence('leases', i) > :before AS larger FROM numpool_acquire('leases', '5 s') AS i;  -- 1, t
SELECT numpool_fence('leases', 1) < 2::numeric ^ 53 AS fits_a_double;
SELECT l.fence = numpool_fence('leases', l.index) AS same, l.pid = pg_backend_pid() AS mine
  FROM numpool_leases l WHERE pool = 'leases';                        -- t, t twice

-- release_all counts what it gave up
SELECT numpool_release_all();                                         -- 2
SELECT numpool_release_all();                                         -- 0
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'leases';   -- 3, 0, 3

-- several pools are told apart
SELECT numpool_create('leases2', 1);
SELECT numpool_acquire('leases2'), numpool_acquire('leases');         -- 0, 0
SELECT pool, index FROM numpool_leases WHERE pool LIKE 'leases%' ORDER BY pool;
SELECT numpool_release('leases2', 0);
SELECT pool, index FROM numpool_leases WHERE pool LIKE 'leases%' ORDER BY pool;

-- many in one statement
SELECT numpool_resize('leases', 200);
SELECT count(DISTINCT i) AS n, max(i) AS highest
  FROM (SELECT numpool_acquire('leases') AS i FROM generate_series(1, 199)) AS t;   -- 199, 199
SELECT count(*) AS n, count(DISTINCT fence) AS fences FROM numpool_leases WHERE pool = 'leases';  -- 200, 200
SELECT count(*) FILTER (WHERE numpool_release('leases', i)) FROM generate_series(0, 199, 2) AS i;  -- 100
SELECT numpool_acquire('leases') FROM generate_series(1, 3);          -- 0, 2, 4
SELECT numpool_release_all();                                         -- 103

-- with its fence: what is not this session's lease is an error
SELECT numpool_acquire('leases');                                     -- 0
SELECT numpool_fence('leases', 0) AS f \gset
SELECT numpool_release('leases', 0, :f + 1);                          -- 55000
SELECT numpool_release('leases', 1, :f);                              -- 55000
SELECT numpool_release('leases', 200, :f);                            -- 22023
SELECT numpool_release('leases', 0, NULL);                            -- 22004
BEGIN;
SELECT numpool_release('leases', 0, :f);                              -- t
SAVEPOINT s;
SELECT numpool_release('leases', 0, :f);                              -- 55000: released already
ROLLBACK TO s;
SELECT numpool_acquire('leases');                                     -- 0: taken back, with its fence
SELECT numpool_release('leases', 0, :f);                              -- t
ROLLBACK;
SELECT numpool_release('leases', 0, :f);                              -- t
SELECT numpool_release('leases', 0, :f);                              -- 55000

-- timeouts: a short one passes; a huge one does not overflow
SELECT numpool_resize('leases', 1);
SELECT numpool_acquire('leases', '1000000 years');                    -- 0
SELECT numpool_release('leases', 0);
SELECT numpool_acquire('leases', '-1 s');                             -- 22023
SELECT numpool_acquire_xact('leases', '-1 us');                       -- 22023
SELECT numpool_acquire('leases', NULL);                               -- 0: no timeout
SELECT numpool_drop('leases', true), numpool_drop('leases2');
