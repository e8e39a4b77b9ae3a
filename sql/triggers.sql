-- Triggers of the owner's own on the definitions, and commands that rewrite the table: the live pool
-- is as the row is, whichever trigger runs first.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION one_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN
    UPDATE numpool_definitions SET size = NEW.size + 1 WHERE identity = NEW.identity;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION another_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() = 1 THEN
    EXECUTE format('UPDATE numpool_definitions SET %I = %L WHERE identity = %s',
                   TG_ARGV[0], 'trig_renamed', NEW.identity);
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM numpool_definitions WHERE identity = NEW.identity;
  RETURN NULL;
END $$;
CREATE VIEW figures AS
  SELECT p.pool, d.size AS in_row, p.size, p.in_use, p.free
    FROM numpool_pools AS p, numpool_definitions AS d
   WHERE p.pool LIKE 'trig%' AND d.identity = (SELECT max(identity) FROM numpool_definitions);
SELECT attname AS name_column FROM pg_attribute
 WHERE attrelid = 'numpool_definitions'::regclass AND attnum = 1 \gset

-- before ours and after ours: PostgreSQL runs them in the order of their names
\set first a_trigger
\set last z_trigger
CREATE TRIGGER :first AFTER UPDATE OF size ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION one_more();
SELECT numpool_create('trig', 2), numpool_acquire('trig');            -- t, 0
SELECT numpool_resize('trig', 4);                                     -- 2
SELECT * FROM figures;                                                -- 5, 5, 1, 4
BEGIN;
SELECT numpool_resize('trig', 7);
SAVEPOINT s;
SELECT numpool_resize('trig', 9);
ROLLBACK TO s;
COMMIT;
SELECT * FROM figures;                                                -- 8, 8, 1, 7
BEGIN;
SELECT numpool_resize('trig', 3);
ROLLBACK;
SELECT * FROM figures;                                                -- 8, 8, 1, 7
SELECT numpool_drop('trig', true);
-- nobody has used the pool before
SELECT numpool_create('trig', 2);
SELECT numpool_resize('trig', 4), numpool_acquire('trig');            -- 55000
BEGIN;
SELECT numpool_resize('trig', 4);
SELECT numpool_try_acquire('trig') FROM generate_series(1, 6);        -- 0, 1: what others may see
SELECT * FROM figures;                                                -- 5, 2, 2, 0
COMMIT;
SELECT * FROM figures;                                                -- 5, 5, 2, 3
SELECT numpool_release_all();
DROP TRIGGER :first ON numpool_definitions;
CREATE TRIGGER :last AFTER UPDATE OF size ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION one_more();
SELECT numpool_resize('trig', 2);                                     -- 5
SELECT * FROM figures;                                                -- 3, 3, 0, 3
DROP TRIGGER :last ON numpool_definitions;
SELECT numpool_drop('trig');

-- on INSERT
CREATE TRIGGER :first AFTER INSERT ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION one_more();
SELECT numpool_create('trig', 2);
SELECT numpool_acquire('trig');                                       -- 0
SELECT * FROM figures;                                                -- 3, 3, 1, 2
SELECT numpool_drop('trig', true);
BEGIN;
SELECT numpool_create('trig', 2);
SELECT numpool_acquire('trig'), numpool_try_acquire('trig'), numpool_try_acquire('trig'), numpool_try_acquire('trig');
COMMIT;
SELECT * FROM figures;                                                -- 3, 3, 3, 0
SELECT numpool_drop('trig', true);
BEGIN;
SELECT numpool_create('trig', 2), numpool_acquire('trig');
ROLLBACK;
SELECT numpool_try_acquire('trig');                                   -- 42704
DROP TRIGGER :first ON numpool_definitions;

-- a new name
CREATE TRIGGER :first AFTER INSERT OR UPDATE OF size ON numpool_definitions
  FOR EACH ROW EXECUTE FUNCTION another_name(:name_column);
SELECT numpool_create('trig', 2);
SELECT numpool_acquire('trig_renamed');                               -- 0
SELECT numpool_try_acquire('trig');                                   -- 42704
SELECT numpool_resize('trig_renamed', 3);
SELECT * FROM figures;
SELECT numpool_drop('trig_renamed', true);
DROP TRIGGER :first ON numpool_definitions;

-- a deletion
CREATE TRIGGER :first AFTER INSERT OR UPDATE OF size ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION no_more();
SELECT numpool_create('trig', 2);
SELECT numpool_try_acquire('trig');                                   -- 42704
DROP TRIGGER :first ON numpool_definitions;
SELECT numpool_create('trig', 2), numpool_acquire('trig');
CREATE TRIGGER :first AFTER INSERT OR UPDATE OF size ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION no_more();
SELECT numpool_resize('trig', 3);
SELECT numpool_try_acquire('trig');                                   -- 42704
DROP TRIGGER :first ON numpool_definitions;
SELECT numpool_release_all();                                         -- 0

-- the table is rewritten by the transaction that made the pool
BEGIN;
SELECT numpool_create('trig', 2);
CLUSTER numpool_definitions USING numpool_definitions_pkey;
SELECT numpool_acquire('trig');                                       -- 0
SELECT numpool_resize('trig', 3);
CLUSTER numpool_definitions USING numpool_definitions_pkey;
SELECT numpool_acquire('trig');                                       -- 1
COMMIT;
SELECT * FROM figures;                                                -- 3, 3, 2, 1
SELECT numpool_drop('trig', true);
DROP VIEW figures;
DROP FUNCTION one_more(), another_name(), no_more();
