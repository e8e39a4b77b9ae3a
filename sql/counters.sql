-- Counters for monitoring, and counting anew.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('counted', 2, '{"m": 1}');
-- a pool that nobody has used shows, too
SELECT size, in_use, free, waiting, timed, waiting_since, grants, wait_counts, wait_sum, counting_since
  FROM numpool_show_counters() WHERE pool = 'counted';
SELECT numpool_acquire('counted'), numpool_acquire('counted');
SELECT size, in_use, free, waiting, grants, handoffs, deaths, ended, wait_counts, counting_since <= now() AS counting_since
  FROM numpool_show_counters() WHERE pool = 'counted';

-- the first wait brings the histogram; only waits that come to a number are counted
SELECT numpool_acquire('counted', '0');                               -- no wait
SELECT wait_counts FROM numpool_show_counters() WHERE pool = 'counted';
SELECT (numpool_enqueue('counted')).ticket AS ticket \gset
SELECT waiting, waiting_since BETWEEN now() - interval '1 min' AND clock_timestamp() AS waiting_since, wait_counts, wait_sum
  FROM numpool_show_counters() WHERE pool = 'counted';
SELECT pg_sleep(0.02);
\o | sed -E -e 's/"numpool[^"]*"/"CHANNEL"/' -e 's/PID [0-9]+/PID N/' -e 's/"ticket": ?[0-9]+/"ticket":N/' -e 's/"fence": ?[0-9]+/"fence":N/'
SELECT numpool_release('counted', 0);                                 -- handed to the ticket
\o
SELECT grants, handoffs, wait_counts[1] + wait_counts[2] AS at_most_1_ms,
       (SELECT sum(c) FROM unnest(wait_counts) AS c) AS counted, wait_sum = wait_total AS same, wait_sum >= '20 ms' AS slept
  FROM numpool_show_counters() WHERE pool = 'counted';
SELECT ended, deaths FROM numpool_pools WHERE pool = 'counted';

-- counting anew, which is not undone
BEGIN;
SELECT numpool_reset_counters('counted');
ROLLBACK;
SELECT in_use, grants, handoffs, wait_total, wait_longest, wait_counts, wait_sum, counting_since > now() - interval '1 min' AS counting_since
  FROM numpool_show_counters() WHERE pool = 'counted';
SELECT numpool_release_all();
SELECT numpool_acquire('counted');
SELECT grants, handoffs FROM numpool_show_counters() WHERE pool = 'counted';
SELECT numpool_release_all();

SELECT numpool_reset_counters('no such pool');                        -- 42704
SELECT numpool_reset_counters(NULL);                                  -- 22004
-- what has nothing to count
SELECT numpool_create('never used', 1);
SELECT numpool_reset_counters('never used');
SELECT grants, counting_since FROM numpool_show_counters() WHERE pool = 'never used';

-- numbers that are not given are not free, be the pool loaded or not
SELECT numpool_create('kept back', 4);
SELECT numpool_set_service('kept back', 1, false, 'fan broken'), numpool_set_service('kept back', 3, false);
CREATE VIEW kept_back AS SELECT size, in_use, free, out_of_service, drained, resting, counting_since IS NOT NULL AS loaded
  FROM numpool_show_counters() WHERE pool = 'kept back';
SELECT * FROM kept_back;
SELECT numpool_drain('kept back', true);
SELECT * FROM kept_back;
SELECT numpool_drain('kept back', false);
SELECT numpool_acquire('kept back'), numpool_acquire('kept back');
SELECT * FROM kept_back;
SELECT numpool_configure('kept back', '{"cooldown": "1 h"}') ->> 'cooldown';
SELECT numpool_release('kept back', 0);
SELECT * FROM kept_back;
SELECT numpool_resize('kept back', 2);                                -- number 2 is held, above the size
SELECT * FROM kept_back;
SELECT numpool_drain('kept back', true);
SELECT numpool_release('kept back', 2);                               -- and rests there
SELECT * FROM kept_back;
-- both views say the same
SELECT c.pool FROM numpool_show_counters() AS c JOIN numpool_pools AS p USING (pool)
  WHERE (c.size, c.in_use, c.free, c.waiting, c.timed, c.out_of_service, c.drained, c.resting)
        IS DISTINCT FROM (p.size, p.in_use, p.free, p.waiting, p.timed, p.out_of_service, p.drained, p.resting);
DROP VIEW kept_back;
SELECT numpool_drop('kept back');

-- everybody sees the figures, and the owner alone counts anew
CREATE ROLE numpool_counter;
SET ROLE numpool_counter;
SELECT pool, grants FROM numpool_show_counters() WHERE pool = 'counted';
SELECT numpool_reset_counters('counted');                             -- 42501
RESET ROLE;
DROP ROLE numpool_counter;
SET numpool.log_waits = on;
SET numpool.log_deaths = on;
RESET numpool.log_waits;
RESET numpool.log_deaths;
SELECT numpool_drop('counted'), numpool_drop('never used');
