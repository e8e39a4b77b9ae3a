-- Ephemeral pools: dropped by whoever creates a pool, when nobody has used them for long. What several sessions see:
-- tests/server/ephemeral_test.cpp.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT numpool_create('ephemeral ' || n, 2, settings => '{"ephemeral": "1 s"}') FROM generate_series(1, 3) AS n;
SELECT numpool_create('ephemeral no', 2, settings => '{"ephemeral": false}');
SELECT numpool_create('ephemeral hour', 2, settings => '{"ephemeral": true}');
SELECT numpool_create('ephemeral used', 2, settings => '{"ephemeral": "1 s"}');
SELECT numpool_acquire('ephemeral used');
SELECT pg_sleep(1.1);
-- what does not create, drops nothing
SELECT numpool_create('ephemeral 1', 2, if_not_exists => true);       -- f
SELECT numpool_open('ephemeral 1', 2);
SELECT * FROM numpool_list('ephemeral') ORDER BY 1;                   -- all
BEGIN;
SELECT numpool_create('plain', 1);
SELECT * FROM numpool_list('ephemeral') ORDER BY 1;                   -- hour, no, used
ROLLBACK;
SELECT * FROM numpool_list('ephemeral') ORDER BY 1;                   -- all
-- an owner's row, written by hand, drops none either
INSERT INTO numpool_definitions (name, size) VALUES ('ephemeral by hand', 1);
SELECT count(*) FROM numpool_list('ephemeral');                       -- 7

-- whatever keeps one from being dropped, the creation goes on
CREATE FUNCTION refuse_ephemeral() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'refused'; END$$;
CREATE TRIGGER refuse BEFORE DELETE ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION refuse_ephemeral();
BEGIN;
SELECT numpool_create('plain', 1);
SELECT count(*) FROM numpool_list('ephemeral');                       -- 7
SELECT numpool_try_acquire('ephemeral 2');                            -- 0: it is not closing
COMMIT;
DROP TRIGGER refuse ON numpool_definitions;
CREATE FUNCTION keep_ephemeral() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER refuse BEFORE DELETE ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION keep_ephemeral();
SELECT numpool_create('plain 2', 1);
SELECT numpool_try_acquire('ephemeral 3');                            -- 0: nor is this one
DROP TRIGGER refuse ON numpool_definitions;
-- without its index nothing is found
BEGIN;
DROP INDEX numpool_definitions_ephemeral_idx;
SELECT numpool_create('plain 3', 1);
SELECT count(*) FROM numpool_list('ephemeral');                       -- 7
ROLLBACK;

SELECT numpool_create('plain 3', 1);
SELECT * FROM numpool_list('ephemeral') ORDER BY 1;                   -- 1 has gone; 2 and 3 are leased
SELECT numpool_try_acquire('ephemeral 1');                            -- 42704

SELECT numpool_drop(name, true) FROM numpool_list() AS name WHERE name LIKE 'ephemeral%' OR name LIKE 'plain%';
DROP FUNCTION refuse_ephemeral(), keep_ephemeral();
