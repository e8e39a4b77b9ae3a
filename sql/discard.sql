-- DISCARD ALL gives everything up.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('discard', 2);
SELECT numpool_acquire('discard'), numpool_acquire('discard');        -- 0, 1
SELECT index IS NULL AS waiting FROM numpool_enqueue('discard');      -- t
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'discard';     -- 2, 1
DISCARD PLANS;
DISCARD TEMP;
DISCARD SEQUENCES;
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'discard';     -- 2, 1
DISCARD ALL;
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'discard';     -- 0, 0
SELECT numpool_release_all();                                         -- 0
SELECT numpool_acquire('discard');                                    -- 0
BEGIN;
DISCARD ALL;                                                          -- 25001
ROLLBACK;
SELECT in_use FROM numpool_pools WHERE pool = 'discard';              -- 1
-- tickets work again after it
DISCARD ALL;
SELECT index FROM numpool_enqueue('discard');                         -- 0
SELECT index FROM numpool_enqueue('discard');                         -- 1
SELECT ticket AS t FROM numpool_enqueue('discard') \gset
\o | grep -c '"index": *0'
SELECT numpool_release('discard', 0);
\o
SELECT state, index FROM numpool_poll(:t);                            -- granted, 0
SELECT numpool_release_all();                                         -- 2
SELECT numpool_drop('discard');
