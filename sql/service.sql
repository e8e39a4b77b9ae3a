-- Numbers out of service, and pools that are drained.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('service', 3);
SELECT numpool_set_service('service', 0, false, 'fan broken');        -- t
SELECT numpool_set_service('service', 0, false, 'fan broken');        -- f: it is so already
SELECT numpool_acquire('service', '0');                               -- 1
SELECT pool, size, in_use, free, out_of_service, drained, bitmap FROM numpool_pools WHERE pool = 'service';
SELECT out_of_service FROM numpool_definitions WHERE name = 'service';
-- a lease stays
SELECT numpool_set_service('service', 1, false);                      -- t
SELECT index, in_service FROM numpool_leases WHERE pool = 'service';
SELECT pool, in_use, free, out_of_service FROM numpool_pools WHERE pool = 'service';
SELECT numpool_release('service', 1);
SELECT pool, in_use, free, out_of_service FROM numpool_pools WHERE pool = 'service';
SELECT numpool_acquire('service', '0'), numpool_acquire('service', '0');  -- 2, null
-- the session holds all that there are
SELECT numpool_acquire('service');                                    -- 40P01
SELECT numpool_set_service('service', 0, true), numpool_set_service('service', 0, true);  -- t, f
SELECT numpool_acquire('service', '0');                               -- 0
SELECT numpool_set_service('service', 1, true);
SELECT out_of_service FROM numpool_definitions WHERE name = 'service';
SELECT numpool_release_all();

-- transactional
BEGIN;
SELECT numpool_set_service('service', 0, false);
SELECT numpool_try_acquire_xact('service');                           -- 0
SAVEPOINT s;
SELECT numpool_drain('service', true);
ROLLBACK TO s;
SELECT numpool_acquire('service');                                    -- 1
SELECT numpool_release('service', 1);
COMMIT;
SELECT numpool_try_acquire('service');                                -- 1
BEGIN; SELECT numpool_set_service('service', 0, true); PREPARE TRANSACTION 'numpool';
BEGIN; SELECT numpool_set_service('service', 2, false); ROLLBACK;
SELECT numpool_try_acquire('service');                                -- 2
SELECT numpool_release_all();

-- drained
SELECT numpool_drain('service', true, 'maintenance'), numpool_drain('service', true, 'maintenance');  -- t, f
SELECT numpool_try_acquire('service'), numpool_acquire('service', '10 ms');  -- null, null
SELECT pool, in_use, free, out_of_service, drained FROM numpool_pools WHERE pool = 'service';
SELECT out_of_service FROM numpool_definitions WHERE name = 'service';
SELECT numpool_drain('service', false);
SELECT numpool_try_acquire('service');                                -- 1: number 0 is out of service still
SELECT numpool_release_all();

-- sizes
SELECT numpool_set_service('service', 2, false), numpool_resize('service', 2), numpool_resize('service', 4);
SELECT numpool_try_acquire('service'), numpool_try_acquire('service'), numpool_try_acquire('service');  -- 1, 3, null
SELECT numpool_release_all();

-- by hand
UPDATE numpool_definitions SET out_of_service = '{"1": null, "all": "x", "65535": ""}' WHERE name = 'service';
SELECT numpool_try_acquire('service');                                -- null
UPDATE numpool_definitions SET out_of_service = '{"3": "x"}' WHERE name = 'service';
SELECT numpool_acquire('service', '0'), numpool_acquire('service', '0'), numpool_acquire('service', '0');  -- 0, 1, 2
SELECT numpool_release_all();
UPDATE numpool_definitions SET out_of_service = '[]' WHERE name = 'service';               -- 23514
UPDATE numpool_definitions SET out_of_service = '{"-1": "x"}' WHERE name = 'service';      -- 23514
UPDATE numpool_definitions SET out_of_service = '{"01": "x"}' WHERE name = 'service';      -- 23514
UPDATE numpool_definitions SET out_of_service = '{"65536": "x"}' WHERE name = 'service';   -- 23514
UPDATE numpool_definitions SET out_of_service = '{"1": {"a": 1}}' WHERE name = 'service';  -- 23514
UPDATE numpool_definitions SET out_of_service = '{"1": 2}' WHERE name = 'service';         -- 23514
INSERT INTO numpool_definitions (name, size, out_of_service) VALUES ('service2', 2, '{"one": "x"}');  -- 23514
INSERT INTO numpool_definitions (name, size, out_of_service) VALUES ('service2', 2, '{"0": "x"}');
SELECT numpool_try_acquire('service2');                               -- 1
-- at most 1,000
SELECT numpool_create('service3', 2000);
UPDATE numpool_definitions SET out_of_service =
  (SELECT jsonb_object_agg(i, NULL) FROM generate_series(500, 1499) AS i) WHERE name = 'service3';
SELECT free, out_of_service FROM numpool_pools WHERE pool = 'service3';
SELECT numpool_set_service('service3', 0, false);                     -- 23514
SELECT numpool_drain('service3', true);
SELECT max(numpool_try_acquire('service3')) FROM generate_series(1, 501) AS i;  -- null
SELECT numpool_drain('service3', false);
SELECT max(numpool_try_acquire('service3')) FROM generate_series(1, 501) AS i;  -- 1500
SELECT free, in_use, out_of_service FROM numpool_pools WHERE pool = 'service3';

-- nonsense
SELECT numpool_set_service('service', 4, false);                      -- 22023
SELECT numpool_set_service('service', -1, false);                     -- 22023
SELECT numpool_set_service('service', NULL, false);                   -- 22004
SELECT numpool_set_service('service', 1, NULL);                       -- 22004
SELECT numpool_set_service('service_none', 1, false);                 -- 42704
SELECT numpool_drain('service_none', true);                           -- 42704
SELECT numpool_drain('service', NULL);                                -- 22004

SELECT numpool_release_all();
SELECT numpool_drop('service'), numpool_drop('service2'), numpool_drop('service3');
