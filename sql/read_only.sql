-- Leases work in read-only transactions; definitions do not change there.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('ro', 3);
BEGIN READ ONLY;
SELECT numpool_acquire('ro'), numpool_try_acquire('ro'), numpool_acquire_xact('ro');  -- 0, 1, 2
SELECT numpool_fence('ro', 0) IS NOT NULL AS fence;
SELECT numpool_release('ro', 1);
SELECT ticket AS t FROM numpool_enqueue('ro') \gset
SELECT index FROM numpool_poll(:t);                                   -- 1: taken back
COMMIT;
SELECT index FROM numpool_leases WHERE pool = 'ro' ORDER BY index;    -- 0, 1
BEGIN READ ONLY;
SELECT numpool_release_all();                                         -- 2
COMMIT;
BEGIN READ ONLY;
SELECT numpool_create('ro2', 3);                                      -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_resize('ro', 4);                                       -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_set_metadata('ro', '1');                               -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_drop('ro');                                            -- 25006
ROLLBACK;
SET default_transaction_read_only = on;
SELECT numpool_acquire('ro');                                         -- 0
SELECT numpool_release('ro', 0);
RESET default_transaction_read_only;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE;
SELECT numpool_acquire('ro');                                         -- 0
COMMIT;
SELECT in_use FROM numpool_pools WHERE pool = 'ro';                   -- 1
SELECT numpool_release_all();                                         -- 1
SELECT numpool_drop('ro');
