-- The largest pool: 65,536 numbers.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('big', 65536);
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'big';
SELECT count(*) AS n, count(DISTINCT i) AS numbers, min(i), max(i)
  FROM (SELECT numpool_acquire('big') AS i FROM generate_series(1, 65536) OFFSET 0) AS t;
SELECT numpool_try_acquire('big');                                    -- null
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'big';
SELECT count(*), count(DISTINCT fence) FROM numpool_leases WHERE pool = 'big';
SELECT numpool_release('big', i) FROM unnest(ARRAY[65535, 4096, 4095, 64, 63]) AS i;
SELECT numpool_acquire('big') FROM generate_series(1, 5);             -- 63, 64, 4095, 4096, 65535
BEGIN;
SELECT numpool_release_all();                                         -- 65536
SELECT numpool_acquire('big');                                        -- 0, taken back
ROLLBACK;
SELECT in_use, free FROM numpool_pools WHERE pool = 'big';
SELECT numpool_release_all();                                         -- 65536
SELECT in_use, free FROM numpool_pools WHERE pool = 'big';
-- taken and rolled back
BEGIN;
SELECT count(numpool_acquire_xact('big')) FROM generate_series(1, 65536);
ROLLBACK;
SELECT in_use, free FROM numpool_pools WHERE pool = 'big';
SELECT numpool_resize('big', 1);
SELECT size, free FROM numpool_pools WHERE pool = 'big';
SELECT numpool_resize('big', 65536);
SELECT size, free FROM numpool_pools WHERE pool = 'big';
SELECT numpool_drop('big');
