-- Metadata: any jsonb, read, set, compared and replaced, transactional.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('meta', 2, '{"zone": "b", "a": [1, 2]}');
SELECT numpool_metadata('meta');
SELECT metadata FROM numpool_pools WHERE pool = 'meta';
SELECT numpool_set_metadata('meta', '"text"');
SELECT numpool_metadata('meta');
SELECT numpool_set_metadata('meta', NULL);
SELECT numpool_metadata('meta');                                      -- null
SELECT numpool_metadata('meta') IS NULL AS is_null;                   -- t
SELECT numpool_set_metadata('meta', 'null');
SELECT numpool_metadata('meta'), numpool_metadata('meta') IS NULL AS is_null;  -- null of jsonb, f

-- compare and set; true as well where it already equals the new value
SELECT numpool_set_metadata('meta', NULL);
SELECT numpool_replace_metadata('meta', '1', '2');                    -- f
SELECT numpool_metadata('meta');                                      -- null
SELECT numpool_replace_metadata('meta', NULL, '{"v": 1}');            -- t
SELECT numpool_replace_metadata('meta', NULL, '{"v": 1}');            -- t: is already
SELECT numpool_replace_metadata('meta', NULL, '{"v": 2}');            -- f
SELECT numpool_replace_metadata('meta', '{"v":1}', '{"v": 2, "w": 0}');  -- t
SELECT numpool_metadata('meta');
SELECT numpool_replace_metadata('meta', '{"w": 0.0, "v": 2}', NULL);  -- t: equal as jsonb
SELECT numpool_replace_metadata('meta', '7', NULL);                   -- t: is already
SELECT numpool_replace_metadata('meta', NULL, NULL);                  -- t
SELECT numpool_metadata('meta');                                      -- null

-- leases do not mind
SELECT numpool_acquire('meta');                                     -- 0
SELECT numpool_fence('meta', 0) AS f \gset
SELECT numpool_set_metadata('meta', '5');
SELECT numpool_fence('meta', 0) = :f AS same;

BEGIN;
SELECT numpool_set_metadata('meta', '6');
SELECT numpool_metadata('meta');                                      -- 6
SAVEPOINT s;
SELECT numpool_replace_metadata('meta', '6', '7');
ROLLBACK TO s;
SELECT numpool_metadata('meta');                                      -- 6
ROLLBACK;
SELECT numpool_metadata('meta');                                      -- 5

-- a large value
SELECT numpool_set_metadata('meta', to_jsonb(repeat('x', 1000000)));
SELECT length(numpool_metadata('meta') #>> '{}');                     -- 1000000
SELECT numpool_drop('meta', true);
