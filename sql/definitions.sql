-- A superuser's own DML on the definitions takes the same path as the functions.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
SELECT c::regclass AS definitions FROM pg_extension, unnest(extconfig) AS c
 WHERE extname = 'numpool' AND EXISTS (SELECT FROM pg_class WHERE oid = c AND relkind = 'r') \gset

SELECT numpool_create('defs', 2);
SELECT numpool_acquire('defs');                                       -- 0
-- UPDATE: resize and metadata
UPDATE :definitions SET size = 4, metadata = '{"by": "hand"}' WHERE name = 'defs';
SELECT size, in_use, free, metadata FROM numpool_pools WHERE pool = 'defs';    -- 4, 1, 3
SELECT numpool_acquire('defs') FROM generate_series(1, 4);            -- 40P01; the statement takes nothing
SELECT numpool_try_acquire('defs') FROM generate_series(1, 4);        -- 1, 2, 3, null
UPDATE :definitions SET size = 0 WHERE name = 'defs';                   -- refused
UPDATE :definitions SET size = 65537 WHERE name = 'defs';               -- refused
UPDATE :definitions SET size = NULL WHERE name = 'defs';                -- refused
BEGIN;
UPDATE :definitions SET size = 6 WHERE name = 'defs';
ROLLBACK;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'defs';     -- 4, 4, 0
SELECT numpool_release_all();                                         -- 4
-- INSERT
INSERT INTO :definitions (name, size) VALUES ('defs_b', 3);
SELECT numpool_acquire('defs_b');                                     -- 0
INSERT INTO :definitions (name, size) VALUES ('defs_b', 3);             -- 23505
INSERT INTO :definitions (name, size) VALUES ('', 3);                   -- refused
INSERT INTO :definitions (name, size) VALUES (repeat('x', 201), 3);     -- refused
INSERT INTO :definitions (name, size) VALUES (NULL, 3);                 -- refused
-- renaming keeps what is held
SELECT numpool_fence('defs_b', 0) AS f \gset
UPDATE :definitions SET name = 'defs_c' WHERE name = 'defs_b';
SELECT numpool_try_acquire('defs_b');                                 -- 42704
SELECT numpool_fence('defs_c', 0) = :f AS same;                       -- t
SELECT pool, index FROM numpool_leases WHERE pool LIKE 'defs%';       -- defs_c, 0
SELECT numpool_try_acquire('defs_c');                                 -- 1
SELECT numpool_create('defs_b', 1), numpool_try_acquire('defs_b');    -- t, 0: another pool
SELECT numpool_release('defs_c', 0), numpool_release('defs_c', 1), numpool_release('defs_b', 0);
-- two names swapped in one transaction
SELECT numpool_acquire('defs_b'), numpool_acquire('defs_c'), numpool_acquire('defs_c');  -- 0, 0, 1
BEGIN;
UPDATE :definitions SET name = 'defs_x' WHERE name = 'defs_b';
UPDATE :definitions SET name = 'defs_b' WHERE name = 'defs_c';
UPDATE :definitions SET name = 'defs_c' WHERE name = 'defs_x';
COMMIT;
SELECT pool, size, in_use FROM numpool_pools WHERE pool IN ('defs_b', 'defs_c') ORDER BY pool;  -- b 3 2, c 1 1
SELECT numpool_release_all();                                         -- 3
-- an identity never changes, and nothing truncates
UPDATE :definitions SET identity = 4000000000 WHERE name = 'defs';      -- 0A000
TRUNCATE :definitions;                                                -- 0A000
SELECT pool, size FROM numpool_pools WHERE pool LIKE 'defs%' ORDER BY pool;
-- a DELETE is a drop by force
SELECT numpool_acquire('defs'), numpool_acquire('defs');              -- 0, 1
DELETE FROM :definitions WHERE name = 'defs';
SELECT numpool_release('defs', 0);                                    -- 42704
SELECT numpool_create('defs', 2);
SELECT in_use, free FROM numpool_pools WHERE pool = 'defs';           -- 0, 2
SELECT numpool_release_all();                                         -- 0: those leases have ended

-- replication apply fires it, too
SET session_replication_role = replica;
SELECT numpool_acquire('defs');                                       -- 0
UPDATE :definitions SET size = 1 WHERE name = 'defs';
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'defs';     -- 1, 1, 0
SELECT numpool_try_acquire('defs');                                   -- null
TRUNCATE :definitions;                                                -- 0A000
DELETE FROM :definitions WHERE name = 'defs';
INSERT INTO :definitions (name, size) VALUES ('defs', 7);
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'defs';     -- 7, 0, 7
RESET session_replication_role;

-- undone by a savepoint, in steps
BEGIN;
SELECT numpool_resize('defs', 8);
SAVEPOINT a;
DELETE FROM :definitions WHERE name = 'defs';
SAVEPOINT b;
INSERT INTO :definitions (name, size) VALUES ('defs', 9);
ROLLBACK TO b;
SELECT numpool_try_acquire('defs');                                   -- 42704
ROLLBACK TO a;
COMMIT;
SELECT size, in_use, free FROM numpool_pools WHERE pool = 'defs';     -- 8, 0, 8
-- many at once
INSERT INTO :definitions (name, size) SELECT 'defs many ' || n, n FROM generate_series(1, 500) AS n;
SELECT count(*), sum(numpool_acquire(p)) AS zeros FROM numpool_list('defs many ') AS p;  -- 500, 0
UPDATE :definitions SET size = size + 1 WHERE name LIKE 'defs many %';
SELECT sum(size), sum(in_use), sum(free) FROM numpool_pools WHERE pool LIKE 'defs many %';  -- 125750, 500, 125250
SELECT numpool_release_all();                                         -- 500
DELETE FROM :definitions WHERE name LIKE 'defs%';
SELECT count(*) FROM numpool_pools WHERE pool LIKE 'defs%';           -- 0

-- the trigger is for its own table
CREATE TABLE other (a int, b int);
CREATE TRIGGER t AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION numpool_definition_changed();
INSERT INTO other VALUES (1, 2);                                      -- 39P01
DROP TABLE other;
