-- Tickets: enqueue, poll, cancel, and the notification that psql prints.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('tickets', 2);
-- granted at once: index and fence are set, poll says so, no notification follows
SELECT index, fence IS NOT NULL AS has_fence FROM numpool_enqueue('tickets');
SELECT ticket AS t, fence AS f FROM numpool_enqueue('tickets') \gset
SELECT state, index, fence = :f AS same FROM numpool_poll(:t);        -- granted, 1, t
SELECT numpool_fence('tickets', 1) = :f AS same;                      -- t: a lease like any other
SELECT index, scope, ticket = :t AS this_one FROM numpool_leases WHERE pool = 'tickets' ORDER BY index;  -- f, t
SELECT numpool_cancel(:t);                                            -- t: gives the lease back
SELECT numpool_cancel(:t);                                            -- f
SELECT * FROM numpool_poll(:t);                                       -- gone
SELECT index FROM numpool_leases WHERE pool = 'tickets';              -- 0
SELECT numpool_release_all();                                         -- 1

-- unknown tickets
SELECT * FROM numpool_poll(0);                                        -- gone
SELECT * FROM numpool_poll(-1);                                       -- gone
SELECT * FROM numpool_poll(9223372036854775807);                      -- gone
SELECT numpool_cancel(0), numpool_cancel(-1);                         -- f, f

-- waiting, then granted by a release of one's own; release returns the lease
SELECT numpool_resize('tickets', 1);
SELECT numpool_acquire('tickets');                                    -- 0
SELECT ticket FROM numpool_leases WHERE pool = 'tickets';             -- null
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
SELECT * FROM numpool_poll(:t);                                       -- waiting
-- the notification: psql prints it after the statement; channel and pid differ each time
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/'
SELECT numpool_release('tickets', 0);
\o
SELECT state, index FROM numpool_poll(:t);                            -- granted, 0
SELECT ticket = :t AS this_one FROM numpool_leases WHERE pool = 'tickets';  -- t
SELECT numpool_release('tickets', 0);                                 -- t
SELECT * FROM numpool_poll(:t);                                       -- gone

-- transactional: rolled back, the ticket never was; what it was granted goes back
BEGIN;
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
SELECT ticket AS u FROM numpool_enqueue('tickets') \gset
SELECT (numpool_poll(:t)).state AS first, (numpool_poll(:u)).state AS second;  -- granted, waiting
ROLLBACK;
SELECT (numpool_poll(:t)).state AS first, (numpool_poll(:u)).state AS second;  -- gone, gone
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'tickets';     -- 0, 0
BEGIN;
SELECT numpool_acquire('tickets');                                    -- 0
SAVEPOINT s;
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
ROLLBACK TO s;
SELECT waiting FROM numpool_pools WHERE pool = 'tickets';             -- 0
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
COMMIT;
SELECT state FROM numpool_poll(:t);                                   -- waiting
-- a cancel takes effect at COMMIT, and not at all on ROLLBACK
BEGIN;
SELECT numpool_cancel(:t);                                            -- t
SELECT numpool_cancel(:t);                                            -- f
SELECT waiting FROM numpool_pools WHERE pool = 'tickets';             -- 1
ROLLBACK;
SELECT state FROM numpool_poll(:t);                                   -- waiting
-- an enqueue takes back what its own transaction has released; the fence stays
SELECT numpool_cancel(:t);                                            -- t
SELECT numpool_fence('tickets', 0) AS f \gset
BEGIN;
SELECT numpool_release('tickets', 0);                                 -- t
SELECT index, fence = :f AS same FROM numpool_enqueue('tickets');
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
COMMIT;
SELECT state FROM numpool_poll(:t);                                   -- waiting
-- a rollback hands over: the lease of the open transaction goes to the ticket
SELECT numpool_release_all();                                         -- 2: the lease and the waiting ticket
BEGIN;
SELECT numpool_acquire('tickets');                                    -- 0
ROLLBACK;
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'tickets';     -- 0, 0

-- a dropped pool
SELECT numpool_acquire('tickets');                                    -- 0
SELECT ticket AS t FROM numpool_enqueue('tickets') \gset
SELECT numpool_drop('tickets');                                       -- 55006
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/' | LC_ALL=C sort
SELECT numpool_drop('tickets', force => true);
\o
SELECT * FROM numpool_poll(:t);                                       -- gone: the client has been told
SELECT numpool_channel() = numpool_channel() AS stable, numpool_channel() ~ '^numpool' AS named;
-- no payload but ASCII: the pool's name is escaped
SELECT numpool_create(U&'t\00EF"\005C\+01F3B1', 1);
SELECT numpool_acquire(U&'t\00EF"\005C\+01F3B1');
SELECT ticket AS t FROM numpool_enqueue(U&'t\00EF"\005C\+01F3B1') \gset
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/'
SELECT numpool_release(U&'t\00EF"\005C\+01F3B1', 0);
\o
SELECT numpool_release_all();                                         -- 1
SELECT numpool_drop(U&'t\00EF"\005C\+01F3B1');

-- so many tickets of a session may wait; what it was granted, and what others have, does not count
CREATE ROLE numpool_limited;
SELECT numpool_create('limit', 3);
SET numpool.max_tickets_per_session = 2;
SELECT count(numpool_enqueue('limit')) FROM generate_series(1, 3);    -- 3, granted
SELECT ticket AS t FROM numpool_enqueue('limit') \gset
SELECT count(numpool_enqueue('limit')) FROM generate_series(1, 1);    -- 1
SELECT numpool_enqueue('limit');                                      -- 53400
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'limit';       -- 3, 2
SELECT numpool_acquire('limit', '0');                                 -- null: no ticket
SELECT numpool_cancel(:t);                                            -- t
SELECT count(numpool_enqueue('limit')) FROM generate_series(1, 1);    -- 1
-- a transaction that is rolled back, and a savepoint, give theirs back
SELECT ticket AS t FROM numpool_waiters WHERE pool = 'limit' AND position = 1 \gset
BEGIN;
SELECT numpool_cancel(:t);                                            -- t, at COMMIT
SAVEPOINT s;
SELECT numpool_enqueue('limit');                                      -- 53400
ROLLBACK TO s;
ROLLBACK;
SELECT numpool_cancel(:t);                                            -- t
BEGIN;
SELECT count(numpool_enqueue('limit')) FROM generate_series(1, 1);    -- 1
ROLLBACK;
BEGIN;
SELECT count(numpool_enqueue('limit')) FROM generate_series(1, 1);    -- 1
COMMIT;
-- the limit is not the user's
SET ROLE numpool_limited;
SET numpool.max_tickets_per_session = 100;                            -- 42501
RESET ROLE;
SET numpool.max_tickets_per_session = 0;
SELECT numpool_enqueue('limit');                                      -- 53400
RESET numpool.max_tickets_per_session;
SHOW numpool.max_tickets_per_session;                                 -- 10000
SELECT numpool_release_all();                                         -- 5
SELECT numpool_drop('limit');
DROP ROLE numpool_limited;
