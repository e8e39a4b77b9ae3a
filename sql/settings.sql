-- Settings of pools: what may be set, that it is transactional, which number is given, how soon again.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('settings', 4);
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- null
SELECT * FROM jsonb_each(numpool_configure('settings', '{}')) ORDER BY key;       -- the defaults
SELECT * FROM jsonb_each(numpool_configure('settings',
  '{"policy": "longest_free", "cooldown": "1.5 s", "death_delay": "00:02", "max_hold": "2 days", "max_count": 2,
    "priority_limit": -1, "max_ttl": "1 h", "ephemeral": true}')) ORDER BY key;
SELECT numpool_configure('settings', '{"ephemeral": "10 min", "max_hold": null}') ->> 'ephemeral'; -- 10 min: merged
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- all but max_hold
SELECT numpool_configure('settings',
  '{"policy": null, "cooldown": null, "death_delay": null, "max_count": null, "priority_limit": null,
    "max_ttl": null, "ephemeral": null}') ->> 'max_ttl';                          -- 30 days
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- {}

-- reading all of them is for everybody
SELECT numpool_configure('settings', '{"cooldown": "1 s", "max_count": 2}') = numpool_settings('settings') AS same;
CREATE ROLE numpool_reader;
SET ROLE numpool_reader;
SET default_transaction_read_only = on;
SELECT * FROM jsonb_each(numpool_settings('settings')) ORDER BY key;
SELECT numpool_configure('settings', '{}');                                       -- 25006
SELECT numpool_settings('no such pool');                                          -- 42704
SELECT numpool_settings(NULL);                                                    -- 22004
RESET default_transaction_read_only;
SELECT numpool_configure('settings', '{}');                                       -- 42501
RESET ROLE;
DROP ROLE numpool_reader;
SELECT numpool_configure('settings', '{"cooldown": null, "max_count": null}') ->> 'cooldown';

-- what may not be set
SELECT numpool_configure('settings', NULL);                                       -- 22004
SELECT numpool_configure(NULL, '{}');                                             -- 22004
SELECT numpool_configure('no such pool', '{"cooldown": "1 s"}');                  -- 42704
\set VERBOSITY default
SELECT numpool_configure('settings', '[]');
SELECT numpool_configure('settings', '{"colour": null}');
SELECT numpool_configure('settings', '{"policy": "highest"}');
SELECT numpool_configure('settings', '{"policy": 1}');
SELECT numpool_configure('settings', '{"cooldown": 1}');
SELECT numpool_configure('settings', '{"cooldown": ["1 s"]}');
SELECT numpool_configure('settings', '{"cooldown": "1 month"}');
SELECT numpool_configure('settings', '{"cooldown": "-1 s"}');
SELECT numpool_configure('settings', '{"cooldown": "31 days"}');
SELECT numpool_configure('settings', '{"death_delay": "9999999 days"}');
SELECT numpool_configure('settings', '{"death_delay": "soon"}');
SELECT numpool_configure('settings', '{"max_hold": "99 ms"}');
SELECT numpool_configure('settings', '{"max_ttl": "31 days"}');
SELECT numpool_configure('settings', '{"max_count": 0}');
SELECT numpool_configure('settings', '{"max_count": 65537}');
SELECT numpool_configure('settings', '{"max_count": 1.5}');
SELECT numpool_configure('settings', '{"max_count": 1e30}');
SELECT numpool_configure('settings', '{"max_count": "2"}');
SELECT numpool_configure('settings', '{"priority_limit": 3}');
SELECT numpool_configure('settings', '{"ephemeral": 5}');
SELECT numpool_configure('settings', '{"ephemeral": "10 ms"}');
SELECT numpool_configure('settings', '{"cooldown": "1 s", "max_count": -1}');
\set VERBOSITY sqlstate
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- {}
-- nor by hand
UPDATE numpool_definitions SET settings = '{"cooldown": 1}' WHERE name = 'settings';  -- 22023
INSERT INTO numpool_definitions (name, size, settings) VALUES ('settings by hand', 1, '{"colour": 1}'); -- 22023
-- nor on creation, whether the pool is there or not
SELECT numpool_create('settings 2', 1, settings => '{"colour": 1}');              -- 22023
SELECT numpool_create('settings', 4, if_not_exists => true, settings => '7');     -- 22023
SELECT numpool_create('settings', 4, if_not_exists => true, settings => '{"cooldown": "1 s"}'); -- f: nothing is changed
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- {}
SELECT numpool_create('settings 2', 2, settings => '{"cooldown": "1 hour", "max_count": null}');
SELECT settings FROM numpool_pools WHERE pool = 'settings 2';                     -- cooldown

-- cooldown: what is released is given to nobody for an hour
SELECT numpool_acquire('settings 2'), numpool_acquire('settings 2');              -- 0, 1
SELECT numpool_release('settings 2', 0);
SELECT numpool_try_acquire('settings 2'), numpool_acquire('settings 2', '10 ms'); -- null, null
SELECT size, in_use, free, resting, bitmap FROM numpool_pools WHERE pool = 'settings 2'; -- 2, 1, 0, 1, 01
-- a release that is taken back is none
BEGIN;
SELECT numpool_release('settings 2', 1);
SELECT numpool_acquire('settings 2');                                             -- 1
COMMIT;
SELECT in_use, resting FROM numpool_pools WHERE pool = 'settings 2';              -- 1, 1
-- a number that rests is no lease: the pool can be dropped without force once nobody holds any
SELECT numpool_release('settings 2', 1);
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 2';        -- 0, 0, 2
-- and goes on resting above the size
SELECT numpool_resize('settings 2', 1);
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 2';        -- 0, 0, 2
SELECT numpool_resize('settings 2', 3);
SELECT numpool_try_acquire('settings 2');                                         -- 2, which is new
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 2';        -- 1, 0, 2
-- a change counts at COMMIT, and not after a rollback
BEGIN;
SELECT numpool_configure('settings 2', '{"cooldown": null}') ->> 'cooldown';      -- 0
SELECT numpool_try_acquire('settings 2');                                         -- null
ROLLBACK;
SELECT numpool_try_acquire('settings 2');                                         -- null
BEGIN;
SAVEPOINT s;
SELECT numpool_configure('settings 2', '{"cooldown": null}') ->> 'cooldown';      -- 0
ROLLBACK TO s;
SELECT numpool_configure('settings 2', '{"max_count": 1}') ->> 'cooldown';        -- 1 hour
COMMIT;
SELECT numpool_try_acquire('settings 2');                                         -- null
SELECT numpool_configure('settings 2', '{"cooldown": "0"}') ->> 'cooldown';       -- 0
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 2';        -- 1, 2, 0
SELECT numpool_acquire('settings 2'), numpool_acquire('settings 2');              -- 0, 1
SELECT numpool_release_all();
-- the rollback of an acquire is a release
SELECT numpool_configure('settings 2', '{"cooldown": "1 h"}') ->> 'cooldown';
BEGIN;
SELECT numpool_acquire('settings 2');                                             -- 0
ROLLBACK;
SELECT numpool_acquire('settings 2');                                             -- 1
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 2';        -- 1, 1, 1
SELECT numpool_drop('settings 2', true);

-- longest_free
SELECT numpool_configure('settings', '{"policy": "longest_free"}') ->> 'policy';
SELECT numpool_acquire('settings') FROM generate_series(1, 4);                    -- 0 to 3
SELECT numpool_release('settings', 2);
SELECT numpool_release('settings', 0);
SELECT numpool_release('settings', 3);
SELECT numpool_acquire('settings') FROM generate_series(1, 2);                    -- 2, 0
SELECT numpool_release('settings', 1);
SELECT numpool_resize('settings', 6);                                             -- 4
SELECT numpool_acquire('settings') FROM generate_series(1, 4);                    -- 4, 5, 3, 1
SELECT numpool_release('settings', 5);
SELECT numpool_release('settings', 2);
SELECT numpool_configure('settings', '{"policy": null}') ->> 'policy';            -- lowest
SELECT numpool_acquire('settings') FROM generate_series(1, 2);                    -- 2, 5
SELECT numpool_release_all();

-- a pool of the open transaction has its settings at once
BEGIN;
SELECT numpool_create('settings 3', 2, settings => '{"policy": "longest_free"}');
SELECT numpool_acquire('settings 3'), numpool_acquire('settings 3');              -- 0, 1
SELECT numpool_configure('settings 3', '{"cooldown": "1 h"}') ->> 'cooldown';
COMMIT;
SELECT numpool_release_all();
SELECT in_use, free, resting FROM numpool_pools WHERE pool = 'settings 3';        -- 0, 0, 2
SELECT numpool_drop('settings 3');

-- max_ttl
SELECT numpool_configure('settings', '{"max_ttl": "1 min"}') ->> 'max_ttl';
SELECT index FROM numpool_lease('settings', '2 min');                             -- 22023
SELECT index FROM numpool_lease('settings', '1 min');                             -- 0
SELECT numpool_acquire('settings');                                               -- 1
SELECT fence IS NOT NULL FROM numpool_keep('settings', 1, '2 min');               -- 22023
SELECT fence IS NOT NULL FROM numpool_keep('settings', 1, '1 min');               -- t
SELECT numpool_configure('settings', '{"max_ttl": "1 s"}') ->> 'max_ttl';
SELECT ttl FROM numpool_leases, numpool_renew(token) WHERE pool = 'settings' AND index = 0; -- its own
SELECT bool_and(numpool_release(token)) FROM numpool_leases WHERE pool = 'settings';

-- what is merged is the newest version, whatever the snapshot of the transaction is
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM numpool_pools WHERE pool = 'settings';
SELECT numpool_configure('settings', '{"max_ttl": null, "max_count": 3}') ->> 'max_count'; -- 3
COMMIT;
SELECT settings FROM numpool_pools WHERE pool = 'settings';                       -- max_count
SELECT numpool_drop('settings');
