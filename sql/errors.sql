-- Every SQLSTATE of the table that one session can reach, and that nothing changed after it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('errors', 2);
SELECT numpool_acquire('errors');                                     -- 0

-- 42704, no such pool
SELECT numpool_acquire('errors_none');
SELECT numpool_try_acquire('errors_none');
SELECT numpool_acquire_xact('errors_none');
SELECT numpool_try_acquire_xact('errors_none');
SELECT numpool_release('errors_none', 0);
SELECT numpool_fence('errors_none', 0);
SELECT numpool_enqueue('errors_none');
SELECT numpool_metadata('errors_none');
SELECT numpool_set_metadata('errors_none', '1');
SELECT numpool_replace_metadata('errors_none', NULL, '1');
SELECT numpool_xact_lock('errors_none');
SELECT numpool_resize('errors_none', 1);
SELECT numpool_drop('errors_none');

-- 42710, already exists
SELECT numpool_create('errors', 2);

-- 22023: name, size, index, timeout
SELECT numpool_create('', 2);
SELECT numpool_create(repeat('x', 201), 2);
SELECT numpool_create('errors', 3, NULL, true);
SELECT numpool_create('errors2', 0);
SELECT numpool_create('errors2', 65537);
SELECT numpool_resize('errors', 65537);
SELECT numpool_resize('errors', -2147483648);
SELECT numpool_release('errors', 2);
SELECT numpool_release('errors', -1);
SELECT numpool_release('errors', 2147483647);
SELECT numpool_acquire('errors', '-1 day');
SELECT numpool_acquire_xact('errors', '-1 microsecond');

-- 22004, NULL where it means nothing
SELECT numpool_create(NULL, 2);
SELECT numpool_create('errors2', NULL);
SELECT numpool_create('errors2', 2, NULL, NULL);
SELECT numpool_drop(NULL);
SELECT numpool_drop('errors', NULL);
SELECT numpool_resize(NULL, 2);
SELECT numpool_resize('errors', NULL);
SELECT numpool_list(NULL);
SELECT numpool_metadata(NULL);
SELECT numpool_set_metadata(NULL, '1');
SELECT numpool_replace_metadata(NULL, '1', '1');
SELECT numpool_xact_lock(NULL);
SELECT numpool_acquire(NULL);
SELECT numpool_try_acquire(NULL);
SELECT numpool_acquire_xact(NULL);
SELECT numpool_try_acquire_xact(NULL);
SELECT numpool_release(NULL, 0);
SELECT numpool_release('errors', NULL);
SELECT numpool_fence(NULL, 0);
SELECT numpool_enqueue(NULL);
SELECT numpool_poll(NULL);
SELECT numpool_cancel(NULL);

-- 55006, in use
SELECT numpool_drop('errors');

-- 55000, would wait in a pool that its own transaction has changed; the others by try
SELECT numpool_acquire('errors');                                     -- 1
SELECT numpool_create('errors3', 1);
BEGIN;
SELECT numpool_resize('errors', 3);
SAVEPOINT s;
SELECT numpool_acquire('errors');                                     -- 55000
ROLLBACK TO s;
SELECT numpool_acquire_xact('errors', '1 s');                         -- 55000
ROLLBACK TO s;
SELECT numpool_try_acquire('errors');                                 -- null
ROLLBACK;
BEGIN;
SELECT numpool_create('errors4', 1);
SELECT numpool_acquire('errors4');                                    -- 0
SELECT numpool_acquire('errors4', '1 s');                             -- 55000: says more than 40P01
ROLLBACK;

-- 40P01, a session that holds every number of a pool and would wait for one more
SELECT numpool_acquire('errors');
SELECT numpool_acquire('errors', '1 hour');
SELECT numpool_acquire_xact('errors');
SELECT numpool_acquire('errors', '0');                                -- null: does not wait
BEGIN;
SELECT numpool_acquire_xact('errors3');                               -- 0
SELECT numpool_acquire('errors3');                                    -- 40P01
ROLLBACK;

-- 55P03 and 57014 need somebody else's number: see tests/server

-- 0A000: PREPARE TRANSACTION after anything that is to happen at COMMIT
BEGIN; SELECT numpool_try_acquire('errors3'); PREPARE TRANSACTION 'numpool';
BEGIN; SELECT numpool_release('errors', 0); PREPARE TRANSACTION 'numpool';
BEGIN; SELECT numpool_resize('errors', 4); PREPARE TRANSACTION 'numpool';
BEGIN; SELECT numpool_create('errors5', 4); PREPARE TRANSACTION 'numpool';
BEGIN; SELECT (numpool_enqueue('errors3')).index; PREPARE TRANSACTION 'numpool';
SELECT numpool_acquire('errors3');                                    -- 0
SELECT (numpool_enqueue('errors3')).ticket AS ticket \gset
BEGIN; SELECT numpool_cancel(:ticket); PREPARE TRANSACTION 'numpool';
SELECT state FROM numpool_poll(:ticket);                              -- waiting: as if nothing had happened
SELECT numpool_cancel(:ticket);                                       -- t

-- nothing changed
SELECT pool, size, in_use, waiting FROM numpool_pools WHERE pool LIKE 'errors%' ORDER BY pool;
SELECT pool, index FROM numpool_leases WHERE pool LIKE 'errors%' ORDER BY pool, index;

-- every error carries a message in lower case without a full stop, and DETAIL and HINT are sentences
DO $$
DECLARE
  statement text;
  m text; d text; h text;
BEGIN
  FOREACH statement IN ARRAY ARRAY[
    'SELECT numpool_acquire(''errors_none'')', 'SELECT numpool_create(''errors'', 2)', 'SELECT numpool_create('''', 2)',
    'SELECT numpool_create(''errors2'', 0)', 'SELECT numpool_create(''errors'', 3, NULL, true)',
    'SELECT numpool_release(''errors'', 7)', 'SELECT numpool_acquire(''errors'', ''-1 s'')', 'SELECT numpool_acquire(NULL)',
    'SELECT numpool_drop(''errors'')', 'SELECT numpool_acquire(''errors'')', 'SELECT numpool_resize(''errors'', 0)']
  LOOP
    BEGIN
      EXECUTE statement;
      RAISE EXCEPTION USING ERRCODE = 'XX001', MESSAGE = statement || ' did not fail';
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
      IF m !~ '^[a-z]' OR m ~ '\.$' OR (d <> '' AND d !~ '^["A-Z].*\.$') OR (h <> '' AND h !~ '^[A-Z].*\.$') THEN
        RAISE EXCEPTION USING ERRCODE = 'XX002', MESSAGE = format('%s: %s / %s / %s', statement, m, d, h);
      END IF;
    END;
  END LOOP;
END $$;
SELECT numpool_release_all();                                         -- 3
SELECT numpool_drop('errors'), numpool_drop('errors3');
