-- Batches: one row an element, in the order of the array; an error of one is its result.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('batch', 3), numpool_create('batch two', 1);
-- granted at once in the order of the array, then waiting; unknown pools and NULLs are results
SELECT n, index, ticket IS NOT NULL AS has_ticket, fence IS NOT NULL AS has_fence, sqlstate, message, detail, hint
  FROM numpool_enqueue_batch('{batch,batch two,nowhere,batch,NULL,"",batch,batch,batch two}') WITH ORDINALITY AS b(ticket, index, fence, sqlstate, message, detail, hint, n);
SELECT pool, position, kind FROM numpool_waiters WHERE pool LIKE 'batch%' ORDER BY 1, 2;
SELECT pool, index, scope FROM numpool_leases WHERE pool LIKE 'batch%' ORDER BY 1, 2;
-- tickets grow along the array
SELECT bool_and(ticket > before) AS grows
  FROM (SELECT ticket, lag(ticket) OVER (ORDER BY n) AS before
          FROM numpool_enqueue_batch('{batch,batch,batch}') WITH ORDINALITY AS b(ticket, index, fence, sqlstate, message, detail, hint, n)) AS t;
SELECT count(*), array_agg(cancelled) AS cancelled, array_agg(sqlstate) AS states
  FROM numpool_cancel_batch((SELECT array_agg(ticket ORDER BY ticket) FROM numpool_waiters) || ARRAY[0, -1, NULL]);
SELECT count(*) FROM numpool_waiters;                                 -- 0

-- releases: by fence; what this session does not hold is false, and nothing of it changes
SELECT array_agg(index ORDER BY index) AS i, array_agg(fence ORDER BY index) AS f FROM numpool_leases WHERE pool = 'batch' \gset
SELECT released, sqlstate, message
  FROM numpool_release_batch('{batch,batch,batch,batch,nowhere,NULL,batch,batch,batch}',
         ARRAY[0, 1, 3, -1, 0, 0, NULL, 0, 2147483647],
         ARRAY[(:'f'::bigint[])[1], (:'f'::bigint[])[1], 1, 1, 1, 1, 1, NULL, 1]);
SELECT index FROM numpool_leases WHERE pool = 'batch' ORDER BY index;  -- 1, 2
-- twice in one batch: the second finds nothing
SELECT released FROM numpool_release_batch('{batch,batch}', '{1,1}', ARRAY[(:'f'::bigint[])[2], (:'f'::bigint[])[2]]);
-- an older lease of the number gives back nothing of the newer one
SELECT index FROM numpool_try_acquire('batch') AS index;              -- 0
SELECT released FROM numpool_release_batch('{batch}', '{0}', ARRAY[(:'f'::bigint[])[1]]);  -- f
SELECT numpool_release_all();                                         -- 3

-- transactional: a rollback undoes all of it
BEGIN;
SELECT index, sqlstate FROM numpool_enqueue_batch('{batch two,batch,nowhere,batch two}');
ROLLBACK;
SELECT sum(in_use) AS in_use, sum(waiting) AS waiting FROM numpool_pools WHERE pool LIKE 'batch%';  -- 0, 0
SELECT count(*) FROM numpool_enqueue_batch('{batch,batch}');
SELECT array_agg(fence ORDER BY index) AS f FROM numpool_leases WHERE pool = 'batch' \gset
BEGIN;
SELECT released, sqlstate FROM numpool_release_batch('{batch,batch,nowhere}', '{0,1,0}', :'f'::bigint[] || 1);
SELECT index, state FROM numpool_leases WHERE pool = 'batch' ORDER BY index;  -- releasing
ROLLBACK;
SELECT index, state FROM numpool_leases WHERE pool = 'batch' ORDER BY index;  -- held
-- in one transaction an enqueue takes back what the batch has released, with its fence
BEGIN;
SELECT released FROM numpool_release_batch('{batch,batch}', '{0,1}', :'f');
SELECT index, fence = (:'f'::bigint[])[index + 1] AS same FROM numpool_enqueue_batch('{batch,batch,batch}');
COMMIT;
-- a failed element rolls back nothing but itself, in a savepoint too
BEGIN;
SAVEPOINT s;
SELECT ticket IS NOT NULL AS ok, index, sqlstate FROM numpool_enqueue_batch('{nowhere,batch,nowhere}');
RELEASE SAVEPOINT s;
SAVEPOINT t;
SELECT sqlstate FROM numpool_enqueue_batch('{batch,nowhere}');
ROLLBACK TO t;
COMMIT;
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'batch';       -- 3, 1

-- a limit that is reached in the middle: who gets a number at once needs none
SELECT numpool_release_all();                                         -- 4
SET numpool.max_tickets_per_session = 1;
SELECT index, sqlstate, message, hint FROM numpool_enqueue_batch('{batch two,batch two,batch two,batch}');
RESET numpool.max_tickets_per_session;
-- after a change of a pool in this transaction
BEGIN;
SELECT numpool_set_metadata('batch two', '1');
SELECT index, sqlstate FROM numpool_enqueue_batch('{batch two,batch}');
ROLLBACK;
SELECT numpool_release_all();                                         -- 3

-- arguments
SELECT * FROM numpool_enqueue_batch(NULL);                            -- 22004
SELECT * FROM numpool_enqueue_batch('{}');
SELECT * FROM numpool_enqueue_batch('{{batch,batch},{batch,batch}}'); -- 22023
SELECT sqlstate FROM numpool_enqueue_batch('[7:8]={nowhere,nowhere}');
SELECT * FROM numpool_release_batch(NULL, '{}', '{}');                -- 22004
SELECT * FROM numpool_release_batch('{}', NULL, '{}');                -- 22004
SELECT * FROM numpool_release_batch('{}', '{}', NULL);                -- 22004
SELECT * FROM numpool_release_batch('{batch}', '{0}', '{}');          -- 22023
SELECT * FROM numpool_release_batch('{batch}', '{0,1}', '{1}');       -- 22023
SELECT * FROM numpool_release_batch('{batch}', '{{0}}', '{1}');       -- 22023
SELECT * FROM numpool_release_batch('{}', '{}', '{}');
SELECT * FROM numpool_cancel_batch(NULL);                             -- 22004
SELECT * FROM numpool_cancel_batch('{}');
SELECT * FROM numpool_cancel_batch('{{1}}');                          -- 22023
-- nothing is taken where the array is NULL by what stands beside it
SELECT e.* FROM (SELECT false AS ours OFFSET 0) AS m CROSS JOIN LATERAL numpool_enqueue_batch(CASE WHEN m.ours THEN '{batch}'::text[] END) AS e;  -- 22004
SELECT e.index, m.ours FROM (SELECT true AS ours OFFSET 0) AS m CROSS JOIN LATERAL numpool_enqueue_batch(CASE WHEN m.ours THEN '{batch}'::text[] END) AS e;
-- all elements are done, whatever of the rows is read; in a select list too
SELECT index FROM numpool_enqueue_batch('{batch,batch}') LIMIT 1;
SELECT (numpool_enqueue_batch('{batch two,batch two}')).index LIMIT 1;
SELECT in_use, waiting FROM numpool_pools WHERE pool LIKE 'batch%' ORDER BY pool;

-- a cancel of the statement is no element's result, and undoes all of it
SELECT numpool_release_all();                                         -- 5
CREATE TEMP TABLE many AS
  SELECT array_agg(CASE WHEN n <= 4 THEN 'batch' ELSE 'nowhere ' || n END ORDER BY n) AS pools FROM generate_series(1, 300000) AS n;
SET statement_timeout = '150ms';
SELECT count(*) FROM many, numpool_enqueue_batch(pools);              -- 57014
RESET statement_timeout;
SELECT in_use, waiting FROM numpool_pools WHERE pool = 'batch';       -- 0, 0
SELECT numpool_drop('batch'), numpool_drop('batch two');
