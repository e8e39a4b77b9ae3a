-- Any text of 1 to 200 characters is a pool's name, and is taken as it is.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

CREATE TEMP TABLE ids (n int GENERATED ALWAYS AS IDENTITY, id text);
INSERT INTO ids (id) VALUES
  (' '), ('a b'), ('UPPER'), ('upper'), (E'tab\tnewline\n'), ('it''s'), ('"quoted"'), ('100%'), ('100_'), ('back\slash'),
  ('$1'), ('; DROP TABLE x'), ('{"json": 1}'), (U&'\00E9'), (U&'e\0301'), (U&'\+01F3B1'), (U&'\0001\007F'),
  (repeat('x', 200)), (repeat(U&'\00E9', 200)), (repeat(U&'\+01F3B1', 200)), ('null'), ('NULL'), ('.'), ('a.b'), ('-'), (U&'\FEFFbom');
SELECT count(*) AS names, bool_and(numpool_create(id, 1)) AS created FROM ids;
SELECT bool_and(numpool_acquire(id) = 0) AS acquired FROM ids;
SELECT bool_and(numpool_try_acquire(id) IS NULL) AS full FROM ids;
SELECT count(*) AS leases FROM numpool_leases JOIN ids ON pool = id WHERE pid = pg_backend_pid();
SELECT bool_and(numpool_metadata(id) IS NULL AND numpool_fence(id, 0) IS NOT NULL) AS ok FROM ids;
SELECT count(*) AS tickets FROM ids, numpool_enqueue(id) WHERE ticket IS NOT NULL AND index IS NULL;
SELECT count(*) AS waiting FROM numpool_waiters JOIN ids ON pool = id;
-- each is found by its own name as prefix, none by a pattern
SELECT bool_and(id IN (SELECT numpool_list(id))) AS listed FROM ids;
SELECT count(*) FROM numpool_list('%');                               -- 0
SELECT count(*) FROM numpool_list('_');                               -- 0
SELECT * FROM numpool_list('100_') AS pool;                           -- 100_
SELECT * FROM numpool_list('UP') AS pool;                             -- UPPER only
SELECT count(*) FROM numpool_list(repeat('x', 200));                  -- 1
SELECT count(*) FROM numpool_list(repeat('x', 201));                  -- 0
-- every notification's payload is JSON of the right name: checked in tests/server; here they are not printed
\o /dev/null
SELECT numpool_release_all();
\o
SELECT count(*) AS leases FROM numpool_leases JOIN ids ON pool = id;  -- 0
SELECT bool_and(numpool_drop(id)) AS dropped FROM ids;
-- names that are refused: 22023
SELECT numpool_create('', 1);
SELECT numpool_create(repeat('x', 201), 1);
SELECT numpool_create(repeat(U&'\00E9', 201), 1);
DROP TABLE ids;
