-- The three views: shape, contents, counters; reading them waits for nobody.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT table_name, column_name, data_type FROM information_schema.columns
 WHERE table_name LIKE 'numpool\_%' AND table_name IN ('numpool_pools', 'numpool_leases', 'numpool_waiters')
 ORDER BY table_name, ordinal_position;

SELECT numpool_create('views', 5, '{"m": 1}');
SELECT pool, size, in_use, free, waiting, bitmap, metadata FROM numpool_pools WHERE pool = 'views';
SELECT numpool_acquire('views'), numpool_acquire('views'), numpool_acquire_xact('views');
SELECT numpool_release('views', 0);
SELECT pool, size, in_use, free, waiting, bitmap, metadata FROM numpool_pools WHERE pool = 'views';

SELECT pool, index, fence = numpool_fence('views', index) AS fence, pid = pg_backend_pid() AS pid,
       usename = current_user AS usename, application_name, client_addr, scope,
       acquired_at BETWEEN now() - interval '1 min' AND clock_timestamp() AS acquired_at
  FROM numpool_leases WHERE pool = 'views';
SET application_name = 'renamed';
SELECT application_name FROM numpool_leases WHERE pool = 'views';

-- the state of a lease: held, or with a release pending
BEGIN;
SELECT numpool_acquire_xact('views');                                 -- 0
SELECT numpool_release('views', 1);
SELECT index, scope, state FROM numpool_leases WHERE pool = 'views' ORDER BY index;
COMMIT;
SELECT index, scope, state FROM numpool_leases WHERE pool = 'views' ORDER BY index;  -- none

-- a ticket in the queue; the holder waits for itself, which only a ticket may
SELECT numpool_resize('views', 1);
SELECT numpool_acquire('views');                                      -- 0
SELECT (numpool_enqueue('views')).ticket AS first \gset
SELECT (numpool_enqueue('views')).ticket AS second \gset
SELECT pool, position, ticket - :first AS ticket, pid = pg_backend_pid() AS pid, usename = current_user AS usename,
       application_name, kind, since BETWEEN now() - interval '1 min' AND clock_timestamp() AS since
  FROM numpool_waiters WHERE pool = 'views' ORDER BY position;
SELECT size, in_use, free, waiting FROM numpool_pools WHERE pool = 'views';
SELECT numpool_cancel(:first);
SELECT position, ticket = :second AS second FROM numpool_waiters WHERE pool = 'views';
SELECT numpool_cancel(:second);
SELECT count(*) FROM numpool_waiters WHERE pool = 'views';

-- whom a sleeper waits for: this session does not sleep
SELECT numpool_blocking(pg_backend_pid()), numpool_blocking(0);
SELECT numpool_blocking(NULL);

-- counters count from a time on
SELECT numpool_create('counted', 1);
SELECT numpool_acquire('counted');
SELECT numpool_release('counted', 0);
SELECT numpool_acquire('counted');
SELECT (numpool_enqueue('counted')).ticket AS ticket \gset
SELECT pg_sleep(0.01);
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/'
SELECT numpool_release('counted', 0);                                 -- handed to the ticket
\o
SELECT (numpool_enqueue('counted')).ticket AS other \gset
SELECT numpool_cancel(:other);
SELECT row_to_json(p)::jsonb - 'metadata' ?& ARRAY['grants', 'handoffs', 'timeouts', 'cancels', 'deadlocks'] AS named,
       grants, handoffs, timeouts, cancels, deadlocks
  FROM numpool_pools p WHERE pool = 'counted';                        -- 3 grants, one of them handed off
SELECT numpool_release_all();                                         -- 2
SELECT numpool_drop('counted'), numpool_drop('views');
-- nothing of a dropped pool shows
SELECT (SELECT count(*) FROM numpool_pools WHERE pool IN ('views', 'counted')) AS pools,
       (SELECT count(*) FROM numpool_leases WHERE pool IN ('views', 'counted')) AS leases,
       (SELECT count(*) FROM numpool_waiters WHERE pool IN ('views', 'counted')) AS waiters;

-- a pool that nobody has used since the server started shows as well, and a large bitmap is exact
SELECT numpool_create('views', 100);
SELECT size, in_use, free, waiting, bitmap = repeat('0', 100)::bit(100) AS all_free FROM numpool_pools WHERE pool = 'views';
SELECT count(numpool_acquire('views')) FROM generate_series(1, 70);   -- 70
SELECT numpool_release('views', 64);
SELECT in_use, free, bitmap = (repeat('1', 64) || '0' || repeat('1', 5) || repeat('0', 30))::bit(100) AS as_expected
  FROM numpool_pools WHERE pool = 'views';
SELECT numpool_release_all();                                         -- 69
SELECT numpool_drop('views');

-- how full the memory is, for everybody to see
CREATE ROLE numpool_looker;
SET ROLE numpool_looker;
SELECT size > 0 AND used + free = size AND idle <= used AND tickets <= max_tickets AND pools <= max_pools
       AND configured_size > 0 AS sound
  FROM numpool_memory;
RESET ROLE;
DROP ROLE numpool_looker;
SELECT numpool_create('views', 1);
SELECT numpool_acquire('views');                                      -- 0
SELECT tickets AS before FROM numpool_memory \gset
SELECT count(numpool_enqueue('views')) FROM generate_series(1, 5);    -- 5
SELECT tickets - :before AS more FROM numpool_memory;                 -- 5
SELECT numpool_release_all();                                         -- 6
SELECT tickets - :before AS more FROM numpool_memory;                 -- 0
SELECT numpool_drop('views');
