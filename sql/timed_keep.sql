-- Turning a lease of the session into a timed one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
\set t1 '''00000000-0000-0000-0000-000000000001'''
\set t2 '''00000000-0000-0000-0000-000000000002'''
SELECT numpool_create('keep', 2), numpool_create('keep other', 1);

-- not held by this session
SELECT * FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT * FROM numpool_keep('keep', 0, '1 h');

-- a session's
SELECT numpool_acquire('keep');                                       -- 0
SELECT numpool_fence('keep', 0) AS f \gset
SELECT token, fence = :f AS same, expires_at > now() + '59 min' AS lasts FROM numpool_keep('keep', 0, '1 h', :t1, 'me');
SELECT index, scope, pid, holder, token, fence = :f AS same FROM numpool_leases WHERE pool = 'keep';
SELECT index, holder, token, fence > :f AS later FROM numpool_timed;  -- the row has one of its own
SELECT numpool_fence('keep', 0), numpool_release_all();               -- null, 0
-- asked again
SELECT token, fence = :f AS same FROM numpool_keep('keep', 0, '1 h', :t1);
-- of another index, or pool
SELECT numpool_keep('keep', 1, '1 h', :t1);                           -- 22023
SELECT numpool_keep('keep other', 0, '1 h', :t1);                     -- 22023
-- with another token: it is no more this session's
SELECT * FROM numpool_keep('keep', 0, '1 h', :t2);
SELECT numpool_release(:t1::uuid);                                    -- t
-- a token is made
SELECT numpool_acquire('keep');                                       -- 0
SELECT token AS made, fence > 0 AS fence FROM numpool_keep('keep', 0, '1 h') \gset
SELECT token = :'made' AS same FROM numpool_leases WHERE pool = 'keep';
SELECT numpool_release(:'made'::uuid);                                -- t

-- of a transaction's scope
BEGIN;
SELECT numpool_acquire_xact('keep');                                  -- 0
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT fence > 0 AS kept FROM numpool_renew(:t1);
SELECT numpool_keep('keep', 0, '1 h', :t2);                           -- 22023
ROLLBACK;
SELECT in_use FROM numpool_pools WHERE pool = 'keep';                 -- 0
BEGIN;
SELECT numpool_acquire_xact('keep');                                  -- 0
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT numpool_release('keep', 0), numpool_release_all();             -- f, warning, 0
COMMIT;
SELECT index, scope, token FROM numpool_leases WHERE pool = 'keep';   -- timed
SELECT numpool_release(:t1::uuid);                                    -- t

-- ROLLBACK leaves it the session's as it was
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT scope, state, pid = pg_backend_pid() AS mine FROM numpool_leases WHERE pool = 'keep';
ROLLBACK;
SELECT scope, state, pid = pg_backend_pid() AS mine FROM numpool_leases WHERE pool = 'keep';
SELECT count(*) FROM numpool_timed;                                   -- 0
SELECT * FROM numpool_renew(:t1);
BEGIN;
SAVEPOINT s;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
ROLLBACK TO s;
SELECT numpool_release('keep', 0);                                    -- t
ROLLBACK TO s;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t2);
RELEASE SAVEPOINT s;
COMMIT;
SELECT scope, token FROM numpool_leases WHERE pool = 'keep';          -- timed, t2
SELECT count(*) FROM numpool_timed;                                   -- 1
SELECT numpool_release(:t2::uuid);                                    -- t

-- kept and given back in one transaction: freed at COMMIT
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT numpool_keep('keep', 0, '1 h', :t1);                           -- 22023: released
ROLLBACK;
SELECT scope, state FROM numpool_leases WHERE pool = 'keep';          -- session, held
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT numpool_release(:t1::uuid);                                    -- t
COMMIT;
SELECT in_use FROM numpool_pools WHERE pool = 'keep';                 -- 0
SELECT count(*) FROM numpool_timed;                                   -- 0
-- and taken back by its token
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT index FROM numpool_lease('keep', '1 h', :t1, '0');             -- 0
COMMIT;
SELECT scope, token FROM numpool_leases WHERE pool = 'keep';          -- timed
SELECT numpool_release(:t1::uuid);                                    -- t

-- a release that is pending is taken back
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT numpool_release('keep', 0);                                    -- t
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
COMMIT;
SELECT scope, state, token FROM numpool_leases WHERE pool = 'keep';   -- timed, held
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT numpool_release('keep', 0);                                    -- t
SAVEPOINT s;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
ROLLBACK TO s;
SELECT state FROM numpool_leases WHERE pool = 'keep';                 -- releasing
COMMIT;
SELECT in_use FROM numpool_pools WHERE pool = 'keep';                 -- 0

-- one granted to a ticket, which then counts as told
SELECT ticket AS t, index FROM numpool_enqueue('keep') \gset
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT state FROM numpool_poll(:t);                                   -- gone
SELECT scope, ticket, token FROM numpool_leases WHERE pool = 'keep';  -- timed
SELECT numpool_acquire('keep');                                       -- 1
SELECT ticket AS t FROM numpool_enqueue('keep') \gset
BEGIN;
SELECT numpool_release('keep', 1);
SELECT fence FROM numpool_keep('keep', 1, '1 h', :t1);                -- 22023
ROLLBACK;
-- handed over to the ticket by a release, and kept before its client is told
BEGIN;
SELECT numpool_release(:t1::uuid);
COMMIT \; SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t2);
SELECT index, scope, token FROM numpool_leases WHERE pool = 'keep' ORDER BY index;   -- 0 timed, 1 session
SELECT numpool_release(:t2::uuid), numpool_release_all();             -- t, 1

-- a number that numpool_lease took in this transaction
BEGIN;
SELECT index FROM numpool_lease('keep', '1 h', :t1);                  -- 0
SELECT numpool_keep('keep', 0, '1 h', :t2);                           -- 22023
ROLLBACK;
BEGIN;
SELECT index FROM numpool_lease('keep', '1 h', :t1);                  -- 0
SELECT fence > 0 AS same FROM numpool_keep('keep', 0, '1 h', :t1);    -- t
COMMIT;
-- a token that keeps a place
SELECT numpool_acquire('keep');                                       -- 1
SELECT index FROM numpool_lease('keep', '1 h', :t2, '0');             -- null
SELECT numpool_keep('keep', 1, '1 h', :t2);                           -- 22023
SELECT numpool_release(:t2::uuid);
-- above the size
SELECT numpool_resize('keep', 1);                                     -- 2
SELECT fence > 0 AS kept FROM numpool_keep('keep', 1, '1 h', :t2);    -- t
SELECT index, scope, token FROM numpool_leases WHERE pool = 'keep' ORDER BY index;
SELECT numpool_release(:t1::uuid), numpool_release(:t2::uuid);        -- t, t
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'keep';     -- 1, 0, 1
SELECT count(*) FROM numpool_timed;                                   -- 0
-- of a pool that this transaction drops
SELECT numpool_acquire('keep');                                       -- 0
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('keep', 0, '1 h', :t1);
SELECT numpool_drop('keep', true);                                    -- t
\o | grep -c '"error": *"dropped"'
COMMIT;
\o
SELECT * FROM numpool_renew(:t1);
SELECT count(*) FROM numpool_timed;                                   -- 0
SELECT numpool_release_all();                                         -- 0
SELECT numpool_drop('keep other');
