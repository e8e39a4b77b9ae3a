-- Leases follow transactions, savepoints and exception blocks.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
-- what this session holds of a pool
CREATE FUNCTION held(p text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(index::text, ' ' ORDER BY index), 'none')
    FROM numpool_leases WHERE pool = p AND pid = pg_backend_pid()
$$;
SELECT numpool_create('tx', 4);

-- acquire, rollback
BEGIN;
SELECT numpool_acquire('tx'), numpool_acquire('tx');                  -- 0, 1
ROLLBACK;
SELECT held('tx');                                                    -- none

-- release takes effect at COMMIT, and not at all on ROLLBACK
SELECT numpool_acquire('tx'), numpool_acquire('tx');                  -- 0, 1
BEGIN;
SELECT numpool_release('tx', 0);                                      -- t
SELECT held('tx'), numpool_fence('tx', 0) IS NOT NULL AS still_held;  -- 0 1, t
SELECT numpool_release('tx', 0);                                      -- f, warning
ROLLBACK;
SELECT held('tx');                                                    -- 0 1
BEGIN;
SELECT numpool_release('tx', 0);
COMMIT;
SELECT held('tx');                                                    -- 1

-- release, savepoint, take-back, rollback to it, rollback: still one holder, the same lease
SELECT numpool_acquire('tx');                                         -- 0
SELECT numpool_fence('tx', 0) AS f0 \gset
BEGIN;
SELECT numpool_release('tx', 0);                                      -- t
SAVEPOINT s;
SELECT numpool_acquire('tx');                                         -- 0: taken back
SELECT numpool_fence('tx', 0) = :f0 AS same;                          -- t
ROLLBACK TO s;
SELECT numpool_release('tx', 0);                                      -- f: the release is pending again
ROLLBACK;
SELECT held('tx'), numpool_fence('tx', 0) = :f0 AS same;              -- 0 1, t
-- the same, committed: the release stands
BEGIN;
SELECT numpool_release('tx', 0);
SAVEPOINT s;
SELECT numpool_acquire('tx');
ROLLBACK TO s;
COMMIT;
SELECT held('tx');                                                    -- 1
-- taken back in a savepoint that stays, released again in a second one that goes
SELECT numpool_acquire('tx');                                         -- 0
SELECT numpool_fence('tx', 0) AS f0 \gset
BEGIN;
SELECT numpool_release('tx', 0);
SAVEPOINT a;
SELECT numpool_acquire('tx');                                         -- 0
RELEASE a;
SAVEPOINT b;
SELECT numpool_release('tx', 0);                                      -- t
ROLLBACK TO b;
COMMIT;
SELECT held('tx'), numpool_fence('tx', 0) = :f0 AS same;              -- 0 1, t
-- a savepoint released into one that is rolled back
BEGIN;
SAVEPOINT outer_one;
SAVEPOINT inner_one;
SELECT numpool_release('tx', 1);
SELECT numpool_acquire('tx'), numpool_acquire('tx');                  -- 1 (taken back), 2
RELEASE inner_one;
ROLLBACK TO outer_one;
SELECT held('tx');                                                    -- 0 1
COMMIT;
SELECT held('tx');                                                    -- 0 1

-- the lowest pending release goes first, even where a lower number is free
BEGIN;
SELECT numpool_release('tx', 0);
COMMIT;
SELECT numpool_acquire('tx'), numpool_acquire('tx');                  -- 0, 2
SELECT numpool_release('tx', 0);
BEGIN;
SELECT numpool_release('tx', 2), numpool_release('tx', 1);
SELECT numpool_acquire('tx'), numpool_acquire('tx'), numpool_acquire('tx'), numpool_acquire('tx'); -- 1 2 0 3
COMMIT;
SELECT numpool_release_all();                                         -- 4

-- a lease of a savepoint that rolls back, released before that
BEGIN;
SAVEPOINT s;
SELECT numpool_acquire('tx');                                         -- 0
SELECT numpool_release('tx', 0);                                      -- t
ROLLBACK TO s;
SELECT held('tx');                                                    -- none
SELECT numpool_acquire('tx');                                         -- 0
SELECT held('tx');                                                    -- 0
COMMIT;
SELECT held('tx');                                                    -- 0
SELECT numpool_release_all();                                         -- 1

-- release_all follows the transaction, too
SELECT numpool_acquire('tx'), numpool_acquire('tx');                  -- 0, 1
BEGIN;
SAVEPOINT s;
SELECT numpool_release_all();                                         -- 2
SELECT numpool_release_all();                                         -- 0
ROLLBACK TO s;
SELECT numpool_release('tx', 1);                                      -- t
SELECT numpool_release_all();                                         -- 1
ROLLBACK;
SELECT held('tx');                                                    -- 0 1
SELECT numpool_release_all();                                         -- 2

-- 1,000 times acquire and release in one transaction: one number does
SELECT numpool_create('tx64', 64);
DO $$
DECLARE
  i int;
  used int[] := '{}';
  fences bigint[] := '{}';
BEGIN
  FOR n IN 1..1000 LOOP
    i := numpool_acquire('tx64', '0');
    IF NOT i = ANY (used) THEN used := used || i; END IF;
    IF NOT numpool_fence('tx64', i) = ANY (fences) THEN fences := fences || numpool_fence('tx64', i); END IF;
    PERFORM numpool_release('tx64', i);
  END LOOP;
  ASSERT used = ARRAY[0] AND cardinality(fences) = 1, 'one number, one lease';
END $$;
SELECT in_use, free FROM numpool_pools WHERE pool = 'tx64';           -- 0, 64
-- and the same, each in a savepoint of its own that rolls back
DO $$
DECLARE i int;
BEGIN
  FOR n IN 1..1000 LOOP
    BEGIN
      i := numpool_acquire('tx64', '0');
      ASSERT i = 0;
      RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END $$;
SELECT in_use, free FROM numpool_pools WHERE pool = 'tx64';           -- 0, 64

-- exception blocks
DO $$
BEGIN
  PERFORM numpool_acquire('tx');
  BEGIN
    PERFORM numpool_acquire('tx');
    PERFORM numpool_release('tx', 0);
    PERFORM 1 / 0;
  EXCEPTION WHEN division_by_zero THEN
    ASSERT held('tx') = '0', held('tx');
  END;
  BEGIN
    PERFORM numpool_release('no such pool', 0);
  EXCEPTION WHEN undefined_object THEN
    ASSERT held('tx') = '0', held('tx');
  END;
END $$;
SELECT held('tx');                                                    -- 0

-- a procedure that commits inside
CREATE PROCEDURE tx_steps() LANGUAGE plpgsql AS $$
BEGIN
  ASSERT numpool_acquire('tx') = 1;
  COMMIT;
  ASSERT numpool_acquire('tx') = 2;
  ASSERT numpool_acquire_xact('tx') = 3;
  ASSERT numpool_release('tx', 1);
  ROLLBACK;
  ASSERT held('tx') = '0 1', held('tx');
  ASSERT numpool_acquire_xact('tx') = 2;
  COMMIT;
  ASSERT held('tx') = '0 1', held('tx');
  FOR n IN 1..100 LOOP
    ASSERT numpool_acquire('tx') = 2;
    COMMIT;
    ASSERT numpool_release('tx', 2);
    COMMIT;
  END LOOP;
END $$;
CALL tx_steps();
SELECT held('tx');                                                    -- 0 1

-- an error in the same statement, after the acquire
SELECT numpool_acquire('tx') / 0;                                     -- 22012
SELECT 1 / (numpool_release('tx', 0)::int - 1);                       -- 22012
SELECT held('tx');                                                    -- 0 1
-- a cursor that is read half
BEGIN;
DECLARE c CURSOR FOR SELECT numpool_acquire('tx') FROM generate_series(1, 4);
FETCH 1 FROM c;                                                       -- 2
CLOSE c;
COMMIT;
SELECT held('tx');                                                    -- 0 1 2
SELECT numpool_drop('tx', true), numpool_drop('tx64');
DROP PROCEDURE tx_steps();
DROP FUNCTION held(text);
