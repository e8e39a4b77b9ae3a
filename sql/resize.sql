-- Growing and shrinking: leases above the new size live on, their indexes are not granted again.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('resize', 4);
SELECT numpool_acquire('resize') FROM generate_series(1, 4);          -- 0..3
SELECT numpool_resize('resize', 2);                                   -- 4, although all are held
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize';   -- 2, 4, 0
SELECT index FROM numpool_leases WHERE pool = 'resize' ORDER BY index; -- 0..3
SELECT numpool_fence('resize', 3) IS NOT NULL AS held;                -- t: beyond the size, but held
SELECT numpool_release('resize', 3);                                  -- t
SELECT numpool_try_acquire('resize');                                 -- null: 3 is outside now
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize';   -- 2, 3, 0
SELECT numpool_release('resize', 1);                                  -- t
SELECT numpool_try_acquire('resize');                                 -- 1
SELECT numpool_resize('resize', 6);                                   -- 2
SELECT numpool_try_acquire('resize') FROM generate_series(1, 4);      -- 3, 4, 5, null: 2 is held still
SELECT index FROM numpool_leases WHERE pool = 'resize' ORDER BY index; -- 0..5
SELECT numpool_release_all();                                         -- 6
SELECT numpool_try_acquire('resize') FROM generate_series(1, 7);      -- 0..5, null

-- releases that are pending while the pool shrinks are not granted again, but can be taken back
BEGIN;
SELECT numpool_release('resize', 5);
SELECT numpool_resize('resize', 3);                                   -- 6
COMMIT;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize';   -- 3, 5, 0
SELECT numpool_release_all();                                         -- 5
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize';   -- 3, 0, 3

-- growing takes effect at COMMIT
SELECT numpool_acquire('resize') FROM generate_series(1, 3);          -- 0..2
BEGIN;
SELECT numpool_resize('resize', 4);                                   -- 3
SELECT numpool_acquire('resize');                                     -- 55000: would wait; commit first
ROLLBACK;
BEGIN;
SELECT numpool_resize('resize', 4);
SELECT numpool_try_acquire('resize');                                 -- null: not grown yet
COMMIT;
SELECT numpool_try_acquire('resize');                                 -- 3
BEGIN;
SELECT numpool_resize('resize', 100);
SAVEPOINT s;
SELECT numpool_resize('resize', 1);                                   -- 100
ROLLBACK TO s;
COMMIT;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize';   -- 100, 4, 96
SELECT numpool_resize('resize_none', 5);                              -- 42704
SELECT numpool_drop('resize', true);

-- a pool that is not loaded when its size is changed: the transaction itself sees the old size till COMMIT
SELECT numpool_create('resize_own', 1);
BEGIN;
SELECT numpool_resize('resize_own', 3);                               -- 1
SELECT numpool_try_acquire('resize_own');                             -- 0
SELECT numpool_try_acquire('resize_own');                             -- null: not grown yet
COMMIT;
SELECT numpool_try_acquire('resize_own');                             -- 1
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize_own'; -- 3, 2, 1
SELECT numpool_drop('resize_own', true);
SELECT numpool_create('resize_own', 3);
BEGIN;
SELECT numpool_resize('resize_own', 1);                               -- 3
SELECT numpool_try_acquire('resize_own');                             -- 0
SELECT numpool_try_acquire('resize_own');                             -- null: 1 and 2 are about to go
ROLLBACK;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize_own'; -- 3, 0, 3
BEGIN;
UPDATE numpool_definitions SET name = 'resize_new' WHERE name = 'resize_own';
SELECT numpool_try_acquire('resize_new');                             -- 0
SELECT count(*) FROM numpool_leases WHERE pool = 'resize_own';        -- 1: to others it is the old name
COMMIT;
SELECT count(*) FROM numpool_leases WHERE pool = 'resize_new';        -- 1
SELECT numpool_drop('resize_new', true);

-- a row that the transaction has made, and changed: loaded as it is, and again after a rollback
BEGIN;
SELECT numpool_create('resize_made', 1);
SAVEPOINT s;
SELECT numpool_resize('resize_made', 3);                              -- 1
SELECT count(numpool_try_acquire('resize_made')) FROM generate_series(1, 4); -- 3
ROLLBACK TO s;
SELECT count(numpool_try_acquire('resize_made')) FROM generate_series(1, 4); -- 1
SAVEPOINT t;
SELECT numpool_resize('resize_made', 5);                              -- 1
SELECT numpool_try_acquire('resize_made');                            -- null: not grown yet
ROLLBACK TO t;
COMMIT;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize_made'; -- 1, 1, 0
SELECT numpool_drop('resize_made', true);
BEGIN;
SELECT numpool_create('resize_made', 5);
SELECT numpool_resize('resize_made', 2);                              -- 5
SELECT numpool_try_acquire('resize_made');                            -- 0
SELECT numpool_resize('resize_made', 70);                             -- 2
COMMIT;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'resize_made'; -- 70, 1, 69
SELECT numpool_drop('resize_made', true);
