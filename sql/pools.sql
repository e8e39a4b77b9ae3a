-- Creating, listing, resizing and dropping pools; all of it transactional.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

-- create says whether it made the pool
SELECT numpool_create('pools_a', 3);                                  -- t
SELECT numpool_create('pools_a', 3);                                  -- 42710
SELECT numpool_create('pools_a', 3, if_not_exists => true);           -- f
SELECT numpool_create('pools_a', 4, if_not_exists => true);           -- 42710: another size
SELECT numpool_create('pools_b', 1, '{"k": 1}', true);                -- t
SELECT numpool_create('pools_b', 1, '{"k": 2}', true);                -- f; metadata is kept
SELECT numpool_metadata('pools_b');                                   -- {"k": 1}

-- open finds a pool without making one
SELECT numpool_open('pools_a') IS NOT DISTINCT FROM numpool_metadata('pools_a') AS metadata,
       numpool_open('pools_a', NULL) IS NOT DISTINCT FROM numpool_metadata('pools_a') AS of_any_size;
SELECT numpool_open('pools_a', 4);                                    -- 42710
\set VERBOSITY default
SELECT numpool_open('pools_a', 4);                                    -- both sizes
\set VERBOSITY sqlstate
SELECT numpool_open('pools_none');                                    -- 42704
SELECT numpool_open('pools_a', 0);                                    -- 22023

-- sizes run from 1 to 65,536
SELECT numpool_create('pools_size', 0);                               -- 22023
SELECT numpool_create('pools_size', -1);                              -- 22023
SELECT numpool_create('pools_size', 65537);                           -- 22023
SELECT numpool_create('pools_size', 65536);                           -- t
SELECT numpool_resize('pools_size', 65537);                           -- 22023
SELECT numpool_resize('pools_size', 0);                               -- 22023
SELECT numpool_resize('pools_size', 1);                               -- 65536, the old size
SELECT numpool_resize('pools_size', 1);                               -- 1
SELECT pool, size FROM numpool_pools WHERE pool LIKE 'pools\_%' ORDER BY pool;
SELECT numpool_drop('pools_size');                                    -- t

-- the prefix of a list is taken literally
SELECT numpool_create(p, 1) FROM unnest(ARRAY['pools%x', 'pools_x', 'poolsXx', 'pools\x']) AS p;
SELECT * FROM numpool_list('pools') AS pool ORDER BY pool COLLATE "C";
SELECT * FROM numpool_list('pools%') AS pool ORDER BY pool COLLATE "C";   -- pools%x
SELECT * FROM numpool_list('pools_') AS pool ORDER BY pool COLLATE "C";   -- pools_a, pools_b, pools_x
SELECT * FROM numpool_list('pools\') AS pool ORDER BY pool COLLATE "C";   -- pools\x
SELECT * FROM numpool_list('none such') AS pool;                          -- nothing
SELECT count(*) > 5 AS all_of_them FROM numpool_list();
SELECT numpool_drop(p) FROM unnest(ARRAY['pools%x', 'pools_x', 'poolsXx', 'pools\x']) AS p;

-- drop
SELECT numpool_drop('pools_none');                                    -- 42704
SELECT numpool_drop('pools_none', if_exists => true);                 -- f
SELECT numpool_acquire('pools_a');                                    -- 0
SELECT numpool_drop('pools_a');                                       -- 55006: in use, by this session itself
SELECT numpool_release('pools_a', 0);
SELECT numpool_drop('pools_a');                                       -- t
SELECT numpool_acquire('pools_a');                                    -- 42704
SELECT numpool_acquire('pools_b');                                    -- 0
SELECT numpool_drop('pools_b', force => true);                        -- t
SELECT numpool_release('pools_b', 0);                                 -- 42704
SELECT numpool_create('pools_b', 2);                                  -- a new pool, all free
SELECT numpool_release('pools_b', 0);                                 -- f: the old lease is not of this pool
SELECT in_use, free FROM numpool_pools WHERE pool = 'pools_b';        -- 0, 2
SELECT count(*) FROM numpool_leases WHERE pool = 'pools_b';           -- 0

-- a pending release of one's own does not stand in the way of a drop
SELECT numpool_acquire('pools_b');                                    -- 0
BEGIN;
SELECT numpool_release('pools_b', 0);                                 -- t
SELECT numpool_drop('pools_b');                                       -- t
ROLLBACK;
SELECT index, state IS NOT NULL AS has_state FROM numpool_leases WHERE pool = 'pools_b';  -- 0: still held
BEGIN;
SELECT numpool_release('pools_b', 0);                                 -- t
SELECT numpool_drop('pools_b');                                       -- t
COMMIT;
SELECT numpool_try_acquire('pools_b');                                -- 42704

-- a definition follows its transaction and savepoint
BEGIN;
SELECT numpool_create('pools_tx', 2);                                 -- t
SELECT numpool_try_acquire('pools_tx');                               -- 0: one may use what one made
ROLLBACK;
SELECT numpool_try_acquire('pools_tx');                               -- 42704
BEGIN;
SAVEPOINT s;
SELECT numpool_create('pools_tx', 2);
ROLLBACK TO s;
SELECT numpool_create('pools_tx', 5);                                 -- t: the first never was
COMMIT;
SELECT size, free FROM numpool_pools WHERE pool = 'pools_tx';         -- 5, 5
BEGIN;
SELECT numpool_drop('pools_tx');
SELECT numpool_create('pools_tx', 7);                                 -- drop and create in one transaction
COMMIT;
SELECT size, free FROM numpool_pools WHERE pool = 'pools_tx';         -- 7, 7
BEGIN;
SELECT numpool_drop('pools_tx');
ROLLBACK;
SELECT numpool_try_acquire('pools_tx');                               -- 0
BEGIN;
SELECT numpool_create('pools_brief', 1);
SELECT numpool_drop('pools_brief');
COMMIT;
SELECT count(*) FROM numpool_pools WHERE pool = 'pools_brief';        -- 0
BEGIN;
SAVEPOINT s;
SELECT numpool_drop('pools_tx', force => true);
ROLLBACK TO s;
COMMIT;
SELECT index FROM numpool_leases WHERE pool = 'pools_tx';             -- 0: the lease outlived the undone drop
SELECT numpool_drop('pools_tx', true);
SELECT * FROM numpool_list('pools') AS pool;                          -- nothing is left
