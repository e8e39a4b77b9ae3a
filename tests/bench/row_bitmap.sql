-- The row-bitmap way, for comparison: one row a pool with a bitmap and a queue of waiters' names,
-- locked by SELECT ... FOR UPDATE, the next waiter told by pg_notify. Every call is one statement and
-- one transaction, which is kinder to it than the several statements of a client that does it itself.
CREATE TABLE row_bitmap (
  id text PRIMARY KEY,
  size int NOT NULL,
  used bit varying NOT NULL,
  queue text[] NOT NULL DEFAULT '{}',
  grants bigint NOT NULL DEFAULT 0  -- what the benchmark counts
) WITH (fillfactor = 50);  -- room for HOT updates

CREATE FUNCTION row_bitmap_create(pool text, pool_size int) RETURNS void LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO row_bitmap (id, size, used) VALUES (pool, pool_size, repeat('0', pool_size)::bit varying);
END;

-- The lowest free index, or -1 after joining the queue; the waiter asks again when it has been told.
CREATE FUNCTION row_bitmap_acquire(pool text, waiter text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  state row_bitmap;
  free int;
BEGIN
  SELECT * INTO STRICT state FROM row_bitmap WHERE id = pool FOR UPDATE;
  free := position(B'0' IN state.used) - 1;
  IF free >= 0 THEN
    UPDATE row_bitmap SET used = set_bit(used, free, 1), grants = grants + 1,
      queue = CASE WHEN queue = '{}' THEN queue ELSE array_remove(queue, waiter) END
      WHERE id = pool;
  ELSIF waiter <> ALL (state.queue) THEN
    UPDATE row_bitmap SET queue = array_append(queue, waiter) WHERE id = pool;
  END IF;
  RETURN free;
END $$;

CREATE FUNCTION row_bitmap_release(pool text, index int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  state row_bitmap;
BEGIN
  SELECT * INTO STRICT state FROM row_bitmap WHERE id = pool FOR UPDATE;
  IF state.queue = '{}' THEN
    UPDATE row_bitmap SET used = set_bit(used, index, 0) WHERE id = pool;
  ELSE
    UPDATE row_bitmap SET used = set_bit(used, index, 0), queue = queue[2:] WHERE id = pool;
    PERFORM pg_notify('row_bitmap_waiter', state.queue[1]);
  END IF;
END $$;
