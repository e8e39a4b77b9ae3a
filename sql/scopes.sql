-- Session scope outlives the transaction, transaction scope ends with it, either way.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('scopes', 4);
-- outside a transaction block the statement is the transaction
SELECT numpool_acquire_xact('scopes');                                -- 0
SELECT numpool_acquire_xact('scopes');                                -- 0 again
SELECT in_use FROM numpool_pools WHERE pool = 'scopes';               -- 0

BEGIN;
SELECT numpool_acquire('scopes'), numpool_acquire_xact('scopes'), numpool_try_acquire_xact('scopes');  -- 0, 1, 2
SELECT index, scope FROM numpool_leases WHERE pool = 'scopes' ORDER BY index;
COMMIT;
SELECT index, scope FROM numpool_leases WHERE pool = 'scopes' ORDER BY index;  -- 0 only

BEGIN;
SELECT numpool_acquire('scopes'), numpool_acquire_xact('scopes');     -- 1, 2
ROLLBACK;
SELECT index, scope FROM numpool_leases WHERE pool = 'scopes' ORDER BY index;  -- 0 only

-- a transaction lease may be released early, at COMMIT as any other
BEGIN;
SELECT numpool_acquire_xact('scopes');                                -- 1
SELECT numpool_release('scopes', 1);                                  -- t
SELECT numpool_release('scopes', 1);                                  -- f, warning
SELECT in_use FROM numpool_pools WHERE pool = 'scopes';               -- 2
COMMIT;
SELECT in_use FROM numpool_pools WHERE pool = 'scopes';               -- 1

-- a take-back changes the scope to what was asked for; the fence stays
SELECT numpool_fence('scopes', 0) AS f \gset
BEGIN;
SELECT numpool_release('scopes', 0);
SELECT numpool_acquire_xact('scopes');                                -- 0
SELECT scope, fence = :f AS same_fence FROM numpool_leases WHERE pool = 'scopes';
COMMIT;
SELECT in_use FROM numpool_pools WHERE pool = 'scopes';               -- 0
SELECT numpool_acquire('scopes');                                     -- 0
SELECT numpool_fence('scopes', 0) AS f \gset
BEGIN;
SELECT numpool_release('scopes', 0);
SELECT numpool_acquire_xact('scopes');                                -- 0
ROLLBACK;
SELECT index, scope, fence = :f AS same_fence FROM numpool_leases WHERE pool = 'scopes';  -- 0, session, t

-- an error ends the transaction's leases, too
BEGIN;
SELECT numpool_acquire_xact('scopes');                                -- 1
SELECT numpool_acquire('scopes');                                     -- 2
SELECT 1 / 0;
COMMIT;
SELECT index, scope FROM numpool_leases WHERE pool = 'scopes' ORDER BY index;  -- 0 only

-- prepared transactions cannot carry a lease
BEGIN;
SELECT numpool_acquire_xact('scopes');
PREPARE TRANSACTION 'numpool scopes';                                 -- 0A000
SELECT index, scope FROM numpool_leases WHERE pool = 'scopes' ORDER BY index;  -- 0 only
SELECT numpool_release_all();                                         -- 1
SELECT numpool_drop('scopes');
