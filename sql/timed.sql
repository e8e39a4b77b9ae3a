-- Timed leases as one session sees them: each state of a token, each error.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
\set t1 '''00000000-0000-0000-0000-000000000001'''
\set t2 '''00000000-0000-0000-0000-000000000002'''
\set t3 '''00000000-0000-0000-0000-000000000003'''
-- what a call said, without what differs from run to run
CREATE FUNCTION lasts(until timestamptz) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN until IS NULL THEN NULL WHEN until <= now() THEN 'no time'
              WHEN until > clock_timestamp() + '59 min' THEN 'an hour'
              WHEN until > clock_timestamp() + '20 s' THEN 'thirty seconds' ELSE 'a moment' END $$;

SELECT numpool_create('timed', 2), numpool_create('timed other', 1);

-- arguments
SELECT numpool_lease(NULL, '1 h');                                    -- 22004
SELECT numpool_lease('timed', NULL);                                  -- 22004
SELECT numpool_keep(NULL, 0, '1 h');                                  -- 22004
SELECT numpool_keep('timed', NULL, '1 h');                            -- 22004
SELECT numpool_keep('timed', 0, NULL);                                -- 22004
SELECT numpool_renew(NULL);                                           -- 22004
SELECT numpool_release(NULL::uuid);                                   -- 22004
SELECT numpool_lease('timed', '99 ms');                               -- 22023
SELECT numpool_lease('timed', '-1 s');                                -- 22023
SELECT numpool_lease('timed', '30 days 1 ms');                        -- 22023
SELECT numpool_keep('timed', 0, '99 ms');                             -- 22023
SELECT numpool_lease('timed', '1 h', holder => repeat('x', 65));      -- 22023
SELECT numpool_keep('timed', 0, '1 h', holder => repeat('x', 65));    -- 22023
SELECT numpool_lease('timed', '1 h', NULL, '-1 s');                   -- 22023
SELECT numpool_lease('timed none', '1 h');                            -- 42704
SELECT numpool_keep('timed none', 0, '1 h');                          -- 42704
SELECT numpool_keep('timed', 2, '1 h');                               -- 22023
SELECT numpool_keep('timed', -1, '1 h');                              -- 22023
SELECT count(*) FROM numpool_timed;                                   -- 0

-- no token is given: one is made; a different one each time, which nobody can guess
SELECT token AS a, index, fence > 0 AS fence, lasts(expires_at) FROM numpool_lease('timed', '1 h') \gset one_
SELECT :'one_a' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS random,
       :one_index AS index, :'one_fence' AS fence, :'one_lasts' AS lasts;
SELECT token AS b, index FROM numpool_lease('timed', '1 h', NULL, '0') \gset two_
SELECT :'two_b' <> :'one_a' AS another, :two_index AS index;          -- t, 1
-- nothing is free: all is NULL, and no place is kept
SELECT * FROM numpool_lease('timed', '1 h', NULL, '0');
SELECT * FROM numpool_lease('timed', '1 h', NULL, '20 ms');
SELECT waiting, timed, expired FROM numpool_pools WHERE pool = 'timed';  -- 0, 2, 0
SELECT numpool_release(:'one_a'::uuid), numpool_release(:'two_b'::uuid);   -- t, t
SELECT in_use, timed FROM numpool_pools WHERE pool = 'timed';         -- 0, 0
SELECT count(*) FROM numpool_timed;                                   -- 0

-- the token is the caller's own: unknown, then a lease of this pool
SELECT token, index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t1);
SELECT fence AS f1 FROM numpool_leases WHERE pool = 'timed' \gset
SELECT token, index, fence = :f1 AS same, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t1, '0');
-- its own ttl stays
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 s', :t1, '0');
SELECT fence = :f1 AS same, lasts(expires_at), ttl FROM numpool_renew(:t1);
-- of another pool
SELECT numpool_lease('timed other', '1 h', :t1);                      -- 22023
SELECT numpool_lease('timed other', '1 h', :t1, '0');                 -- 22023
-- unknown
SELECT * FROM numpool_renew(:t2);
SELECT numpool_release(:t2::uuid);                                    -- f, warning
-- any literal will do
SELECT numpool_release('00000000-0000-0000-0000-000000000002');       -- f, warning

-- all numbers are leased: a place is kept, and waited on in
SELECT index FROM numpool_lease('timed', '1 h', :t2);                 -- 1
SELECT token, index, fence, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t3, '0', 'third');
SELECT "position", ticket, pid, usename = current_user AS usename, kind, holder, lasts(expires_at), token
  FROM numpool_waiters WHERE pool = 'timed';
SELECT fence, lasts(expires_at), ttl FROM numpool_renew(:t3);
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t3, '20 ms');
SELECT count(*) FROM numpool_waiters WHERE pool = 'timed';            -- 1
SELECT numpool_lease('timed other', '1 h', :t3, '0');                 -- 22023
-- making and renewing it is not undone
BEGIN;
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t3, '0');
ROLLBACK;
SELECT count(*) FROM numpool_waiters WHERE pool = 'timed';            -- 1
-- offered: it shows so, and renewing prolongs nothing
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT index, state, scope, lasts(expires_at), token FROM numpool_leases WHERE pool = 'timed' ORDER BY index;
SELECT expires_at AS before FROM numpool_renew(:t3) \gset
SELECT fence, expires_at - :'before' BETWEEN '-1 s' AND '1 s' AS same, ttl FROM numpool_renew(:t3);
-- picked up, rolled back: it is offered again
BEGIN;
SELECT index, fence > :f1 AS larger, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t3, '0');
SELECT state, scope, pid = pg_backend_pid() AS mine FROM numpool_leases WHERE pool = 'timed' AND index = 0;
ROLLBACK;
SELECT state, scope, lasts(expires_at) FROM numpool_leases WHERE pool = 'timed' AND index = 0;   -- granted
BEGIN;
SAVEPOINT s;
SELECT index FROM numpool_lease('timed', '1 h', :t3, '0');            -- 0
ROLLBACK TO s;
SELECT index FROM numpool_lease('timed', '1 h', :t3, '0');            -- 0
COMMIT;
SELECT state, scope, pid, lasts(expires_at), holder FROM numpool_leases WHERE pool = 'timed' AND index = 0;
SELECT index, holder, token, ttl FROM numpool_timed ORDER BY index;   -- two
-- a place, and an offer, can be given back
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t1, '0');
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT waiting FROM numpool_pools WHERE pool = 'timed';               -- 0
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t1, '0');
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT state, token FROM numpool_leases WHERE pool = 'timed' AND index = 1;   -- granted
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT in_use, timed, waiting FROM numpool_pools WHERE pool = 'timed';   -- 1, 1, 0
SELECT numpool_release(:t3::uuid);
-- a place lasts min(ttl, 30 s), as the last call for it says
SELECT index FROM numpool_lease('timed', '1 h', :t1), numpool_acquire('timed');
SELECT lasts(expires_at) FROM numpool_lease('timed', '1 h', :t2, '0');   -- thirty seconds
SELECT lasts(expires_at) FROM numpool_lease('timed', '200 ms', :t2, '0');   -- a moment
SELECT numpool_release(:t1::uuid);
SELECT pg_sleep(1);
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'timed';       -- 1, 0: it was offered, and is over
SELECT * FROM numpool_renew(:t2);
SELECT numpool_release_all();                                         -- 1

-- over: its number goes on, its token is unknown, its row is left until somebody writes
SELECT index FROM numpool_lease('timed', '100 ms', :t1);              -- 0
SELECT pg_sleep(1);
SELECT in_use, timed, expired FROM numpool_pools WHERE pool = 'timed';   -- 0, 0, 1
SELECT * FROM numpool_renew(:t1);
SELECT numpool_release(:t1::uuid);                                    -- f, warning
SELECT token FROM numpool_timed;                                      -- t1
SELECT index, fence > :f1 AS larger FROM numpool_lease('timed', '1 h', :t1);   -- 0
SELECT count(*) FROM numpool_timed;                                   -- 1: the new one's
SELECT numpool_release(:t1::uuid);
SELECT count(*) FROM numpool_timed;                                   -- 0

-- COMMIT, ROLLBACK
BEGIN;
SELECT index, lasts(expires_at) FROM numpool_lease('timed', '1 h', :t1);   -- 0
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 0: the same
SELECT fence > 0 AS renewed, ttl FROM numpool_renew(:t1);             -- t
SELECT scope, pid = pg_backend_pid() AS mine, expires_at FROM numpool_leases WHERE pool = 'timed';
SELECT numpool_lease('timed other', '1 h', :t1);                      -- 22023
ROLLBACK;
SELECT in_use, timed FROM numpool_pools WHERE pool = 'timed';         -- 0, 0
SELECT * FROM numpool_renew(:t1);
SELECT count(*) FROM numpool_timed;                                   -- 0
-- taken and released in one transaction
BEGIN;
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 0
SELECT numpool_release(:t1::uuid);                                    -- t
SELECT numpool_release(:t1::uuid);                                    -- f, warning
COMMIT;
SELECT in_use, timed FROM numpool_pools WHERE pool = 'timed';         -- 0, 0
SELECT count(*) FROM numpool_timed;                                   -- 0
-- in savepoints
BEGIN;
SAVEPOINT s;
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 0
ROLLBACK TO s;
SELECT index FROM numpool_lease('timed', '1 h', :t2);                 -- 0
RELEASE SAVEPOINT s;
SAVEPOINT s;
SELECT numpool_release(:t2::uuid);                                    -- t
ROLLBACK TO s;
COMMIT;
SELECT index, token FROM numpool_leases WHERE pool = 'timed';         -- 0, t2
SELECT index, token FROM numpool_timed;                               -- 0, t2

-- release waits for COMMIT, and only numpool_lease with that token takes it back
SELECT fence AS f2 FROM numpool_leases WHERE pool = 'timed' \gset
BEGIN;
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT numpool_release(:t2::uuid);                                    -- f, warning
SELECT state FROM numpool_leases WHERE pool = 'timed';                -- releasing
SELECT fence = :f2 AS renewed FROM numpool_renew(:t2);                -- t
SELECT numpool_try_acquire('timed'), numpool_try_acquire('timed');    -- 1, null
SELECT index FROM numpool_lease('timed', '1 h', NULL, '0');           -- null
SELECT numpool_keep('timed', 0, '1 h', :t3);                          -- nothing: it is not this session's
SELECT numpool_keep('timed', 0, '1 h', :t2);                          -- 22023
ROLLBACK;
SELECT numpool_release_all();                                         -- 0
BEGIN;
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT index, fence = :f2 AS same FROM numpool_lease('timed', '1 h', :t2, '0');   -- 0, t
COMMIT;
SELECT state, fence = :f2 AS same FROM numpool_leases WHERE pool = 'timed';   -- held
SELECT count(*) FROM numpool_timed;                                   -- 1
BEGIN;
SAVEPOINT a;
SELECT numpool_release(:t2::uuid);                                    -- t
SAVEPOINT b;
SELECT index FROM numpool_lease('timed', '1 h', :t2, '0');            -- 0
ROLLBACK TO b;
SELECT state FROM numpool_leases WHERE pool = 'timed';                -- releasing
ROLLBACK TO a;
SELECT state FROM numpool_leases WHERE pool = 'timed';                -- held
SELECT numpool_release(:t2::uuid);                                    -- t
SAVEPOINT c;
SELECT index FROM numpool_lease('timed', '1 h', :t2, '0');            -- 0
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT index FROM numpool_lease('timed', '1 h', :t2, '0');            -- 0
RELEASE SAVEPOINT c;
COMMIT;
SELECT state, fence = :f2 AS same FROM numpool_leases WHERE pool = 'timed';   -- held
SELECT token, fence > :f2 AS later FROM numpool_timed;
BEGIN;
SELECT numpool_release(:t2::uuid);                                    -- t
ROLLBACK;
SELECT state FROM numpool_leases WHERE pool = 'timed';                -- held
SELECT count(*) FROM numpool_timed;                                   -- 1

-- what gives up everything of a session leaves tokens alone
SELECT numpool_release('timed', 0);                                   -- f, warning
SELECT numpool_release_all();                                         -- 0
SELECT numpool_fence('timed', 0);                                     -- null: it is not this session's
DISCARD ALL;
\c -
\set VERBOSITY sqlstate
SELECT index, token, fence = :f2 AS same, lasts(expires_at) FROM numpool_leases WHERE pool = 'timed';
SELECT fence = :f2 AS same FROM numpool_renew(:t2);
BEGIN;
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 1
SELECT numpool_release('timed', 1);                                   -- f, warning
SELECT numpool_release_all();                                         -- 0
COMMIT;
SELECT index, token FROM numpool_leases WHERE pool = 'timed' ORDER BY index;   -- both
SELECT numpool_release(:t1::uuid), numpool_release(:t2::uuid);        -- t, t

-- a wait in a transaction that has taken, kept or released (commit first)
BEGIN;
SELECT count(index) FROM generate_series(1, 3) AS i, LATERAL numpool_lease('timed', '1 h' + i * interval '0 s');   -- 55000
ROLLBACK;
SELECT index FROM numpool_lease('timed', '1 h', :t1), numpool_acquire('timed other');   -- 0
BEGIN;
SELECT numpool_release(:t1::uuid);                                    -- t
SAVEPOINT s;
SELECT numpool_acquire('timed other');                                -- 55000
ROLLBACK TO s;
SELECT numpool_lease('timed other', '1 h');                           -- 55000
ROLLBACK TO s;
SELECT numpool_lease('timed other', '1 h', :t2, '1 min');             -- 55000
ROLLBACK TO s;
SELECT index FROM numpool_lease('timed other', '1 h', NULL, '0');     -- null: it does not wait
SELECT index, lasts(expires_at) FROM numpool_lease('timed other', '1 h', :t2, '0');   -- null, a place
SELECT numpool_release(:t2::uuid);                                    -- t
ROLLBACK;
BEGIN;
SELECT numpool_resize('timed other', 1);
SELECT numpool_lease('timed other', '1 h', :t2, '1 min');             -- 55000
ROLLBACK;
SELECT numpool_release_all();                                         -- 1
SELECT numpool_release(:t1::uuid);                                    -- t

-- PREPARE TRANSACTION, READ ONLY
BEGIN;
SELECT index FROM numpool_lease('timed', '1 h', :t1);
PREPARE TRANSACTION 'timed';                                          -- 0A000
SELECT index FROM numpool_lease('timed', '1 h', :t1);
BEGIN;
SELECT numpool_release(:t1::uuid);
PREPARE TRANSACTION 'timed';                                          -- 0A000
SELECT numpool_acquire('timed other');
BEGIN;
SELECT fence > 0 AS kept FROM numpool_keep('timed other', 0, '1 h', :t2);
PREPARE TRANSACTION 'timed';                                          -- 0A000
SELECT scope FROM numpool_leases WHERE pool = 'timed other';          -- session
BEGIN READ ONLY;
SELECT fence > 0 AS renewed FROM numpool_renew(:t1);                  -- t
SELECT numpool_lease('timed', '1 h', :t2, '0');                       -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_release(:t1::uuid);                                    -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_keep('timed other', 0, '1 h', :t2);                    -- 25006
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE;
SELECT fence > 0 AS renewed FROM numpool_renew(:t1);                  -- t
COMMIT;
SELECT numpool_release(:t1::uuid), numpool_release_all();             -- t, 1

-- rows are not changed by hand
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 0
INSERT INTO numpool_timed VALUES (0, 0, 0, 1, :t2, '1 h', NULL, 10);  -- 0A000
INSERT INTO numpool_timed SELECT * FROM numpool_timed;                -- 0A000
UPDATE numpool_timed SET ttl = '1 s';                                 -- 0A000
DELETE FROM numpool_timed;                                            -- 0A000
TRUNCATE numpool_timed;                                               -- 0A000
COPY numpool_timed FROM stdin;
1	1	1	1	00000000-0000-0000-0000-000000000002	01:00:00	\N	10
\.
SET session_replication_role = replica;
INSERT INTO numpool_timed VALUES (0, 0, 0, 1, :t2, '1 h', NULL, 10);  -- skipped
UPDATE numpool_timed SET ttl = '1 s';                                 -- skipped
DELETE FROM numpool_timed;                                            -- skipped
RESET session_replication_role;
SELECT token, ttl FROM numpool_timed;
-- the way to end leases by hand
SELECT numpool_release(token) FROM numpool_leases WHERE pool = 'timed';
SELECT count(*) FROM numpool_timed;                                   -- 0

-- dropping and resizing a pool
SELECT index FROM numpool_lease('timed', '1 h', :t1);                 -- 0
SELECT index FROM numpool_lease('timed', '1 h', :t2);                 -- 1
SELECT index FROM numpool_lease('timed', '1 h', :t3, '0');            -- null
SELECT numpool_drop('timed');                                         -- 55006
BEGIN;
SELECT numpool_release(:t1::uuid), numpool_release(:t2::uuid);        -- t, t
SELECT numpool_drop('timed');                                         -- 55006: somebody waits
ROLLBACK;
SELECT numpool_release(:t3::uuid);                                    -- t
BEGIN;
SELECT numpool_release(:t1::uuid), numpool_release(:t2::uuid);        -- t, t
SELECT numpool_drop('timed');                                         -- t
ROLLBACK;
SELECT index, state FROM numpool_leases WHERE pool = 'timed' ORDER BY index;
SELECT numpool_resize('timed', 1);                                    -- 2
SELECT size, in_use, free, timed FROM numpool_pools WHERE pool = 'timed';   -- 1, 2, 0, 2
SELECT fence > 0 AS renewed FROM numpool_renew(:t2);                  -- t
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT size, in_use, free, timed FROM numpool_pools WHERE pool = 'timed';   -- 1, 1, 0, 1
SELECT index FROM numpool_lease('timed', '1 h', NULL, '0');           -- null
SELECT index FROM numpool_lease('timed', '1 h', :t3, '0');            -- null: a place
BEGIN;
SELECT numpool_drop('timed', true);                                   -- t
ROLLBACK;
SELECT fence > 0 AS renewed FROM numpool_renew(:t1);                  -- t
SELECT numpool_drop('timed', true);                                   -- t
SELECT * FROM numpool_renew(:t1);
SELECT * FROM numpool_renew(:t3);
SELECT count(*) FROM numpool_timed;                                   -- 0
-- the tokens are free for another pool
SELECT index FROM numpool_lease('timed other', '1 h', :t1);           -- 0
-- a drop by force of a pool that the same transaction has leased from
SELECT numpool_create('timed', 2);
BEGIN;
SELECT index FROM numpool_lease('timed', '1 h', :t2);                 -- 0
SELECT numpool_drop('timed', true);                                   -- t
COMMIT;
SELECT * FROM numpool_renew(:t2);
SELECT count(*) FROM numpool_timed;                                   -- 1: t1
-- of a name that is used again
SELECT numpool_create('timed', 2);
SELECT index FROM numpool_lease('timed', '1 h', :t2);                 -- 0
SELECT numpool_drop('timed', true), numpool_create('timed', 2);
SELECT in_use, timed FROM numpool_pools WHERE pool = 'timed';         -- 0, 0
SELECT numpool_release(:t1::uuid);                                    -- t

SELECT numpool_drop('timed'), numpool_drop('timed other');
DROP FUNCTION lasts(timestamptz);
