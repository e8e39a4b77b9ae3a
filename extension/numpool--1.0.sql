\echo Use "CREATE EXTENSION numpool" to load this file. \quit

-- Definitions: the durable part of a pool. Live state is in shared memory.
CREATE SEQUENCE numpool_identity_seq AS bigint MAXVALUE 4294967295;
-- A value v stands for the fences v .. v + 2^36 - 1.
CREATE SEQUENCE numpool_fence_seq AS bigint
  INCREMENT BY 68719476736 MINVALUE 68719476736 START WITH 68719476736 MAXVALUE 9223371899415822336;

CREATE TABLE numpool_definitions (
  name text COLLATE "C" PRIMARY KEY CHECK (pg_catalog.char_length(name) BETWEEN 1 AND 200),
  identity bigint NOT NULL UNIQUE CHECK (identity BETWEEN 1 AND 4294967295),
  size integer NOT NULL CHECK (size BETWEEN 1 AND 65536),
  metadata jsonb
);
ALTER TABLE numpool_definitions
  ALTER COLUMN identity SET DEFAULT pg_catalog.nextval('@extschema@.numpool_identity_seq');
ALTER SEQUENCE numpool_identity_seq OWNED BY numpool_definitions.identity;

SELECT pg_catalog.pg_extension_config_dump('numpool_definitions', '');
SELECT pg_catalog.pg_extension_config_dump('numpool_identity_seq', '');
SELECT pg_catalog.pg_extension_config_dump('numpool_fence_seq', '');

-- pg_dump reads these, and a restored dump fills them.
GRANT SELECT ON TABLE numpool_definitions, numpool_identity_seq, numpool_fence_seq
  TO pg_database_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE numpool_definitions TO @extowner@;
GRANT SELECT, USAGE, UPDATE ON SEQUENCE numpool_identity_seq, numpool_fence_seq TO @extowner@;

CREATE FUNCTION numpool_definition_changed() RETURNS trigger
  LANGUAGE C AS 'MODULE_PATHNAME';
REVOKE ALL ON FUNCTION numpool_definition_changed() FROM PUBLIC;

CREATE TRIGGER numpool_definition_changed
  AFTER INSERT OR UPDATE OR DELETE ON numpool_definitions
  FOR EACH ROW EXECUTE FUNCTION numpool_definition_changed();
CREATE TRIGGER numpool_definitions_truncated
  BEFORE TRUNCATE ON numpool_definitions
  FOR EACH STATEMENT EXECUTE FUNCTION numpool_definition_changed();
-- Also where a subscription or pg_restore writes the rows.
ALTER TABLE numpool_definitions ENABLE ALWAYS TRIGGER numpool_definition_changed;
ALTER TABLE numpool_definitions ENABLE ALWAYS TRIGGER numpool_definitions_truncated;

-- Pools
CREATE FUNCTION numpool_create(pool text, size integer, metadata jsonb DEFAULT NULL,
                               if_not_exists boolean DEFAULT false) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_drop(pool text, force boolean DEFAULT false,
                             if_exists boolean DEFAULT false) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_resize(pool text, size integer) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_list(prefix text DEFAULT '') RETURNS SETOF text
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- Finds a pool without the right to make one. Its metadata; 42704, or 42710 if it has another size.
CREATE FUNCTION numpool_open(pool text, size integer DEFAULT NULL) RETURNS jsonb
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_metadata(pool text) RETURNS jsonb
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_set_metadata(pool text, metadata jsonb) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_replace_metadata(pool text, expected jsonb, metadata jsonb) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_xact_lock(pool text) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Whoever may change pools is for their owner to say.
REVOKE ALL ON FUNCTION numpool_create(text, integer, jsonb, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_drop(text, boolean, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_resize(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_set_metadata(text, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_replace_metadata(text, jsonb, jsonb) FROM PUBLIC;
-- Where the extension is trusted, its objects belong to the bootstrap superuser, not to who
-- installed it.
GRANT EXECUTE ON FUNCTION
    numpool_create(text, integer, jsonb, boolean), numpool_drop(text, boolean, boolean),
    numpool_resize(text, integer), numpool_set_metadata(text, jsonb),
    numpool_replace_metadata(text, jsonb, jsonb)
  TO @extowner@;

-- Leases
CREATE FUNCTION numpool_acquire(pool text, timeout interval DEFAULT NULL) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_try_acquire(pool text) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_acquire_xact(pool text, timeout interval DEFAULT NULL) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_try_acquire_xact(pool text) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_release(pool text, index integer) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- 55000 where the other one warns and returns false.
CREATE FUNCTION numpool_release(pool text, index integer, fence bigint) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'numpool_release_fenced';
CREATE FUNCTION numpool_release_all() RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_fence(pool text, index integer) RETURNS bigint
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Tickets
CREATE FUNCTION numpool_enqueue(pool text, OUT ticket bigint, OUT index integer, OUT fence bigint)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_poll(ticket bigint, OUT state text, OUT index integer, OUT fence bigint)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_cancel(ticket bigint) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_channel() RETURNS text
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Views. Who a session is comes from pg_stat_activity, with what that hides.
CREATE FUNCTION numpool_show_pools(
    OUT pool text, OUT size integer, OUT in_use integer, OUT free integer, OUT waiting integer,
    OUT bitmap varbit, OUT metadata jsonb, OUT grants bigint, OUT handoffs bigint,
    OUT timeouts bigint, OUT cancels bigint, OUT wait_total interval, OUT wait_longest interval,
    OUT counting_since timestamptz) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_show_leases(
    OUT pool text, OUT index integer, OUT fence bigint, OUT pid integer, OUT scope text,
    OUT state text, OUT acquired_at timestamptz, OUT ticket bigint) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_show_waiters(
    OUT pool text, OUT "position" integer, OUT ticket bigint, OUT pid integer, OUT kind text,
    OUT since timestamptz) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

CREATE VIEW numpool_pools AS SELECT * FROM numpool_show_pools();
CREATE VIEW numpool_leases AS
  SELECT l.pool, l.index, l.fence, l.pid, a.usename, a.application_name, a.client_addr, l.scope,
         l.state, l.acquired_at, l.ticket
    FROM numpool_show_leases() AS l LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid);
CREATE VIEW numpool_waiters AS
  SELECT w.pool, w."position", w.ticket, w.pid, a.usename, a.application_name, w.kind, w.since
    FROM numpool_show_waiters() AS w LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid);
GRANT SELECT ON numpool_pools, numpool_leases, numpool_waiters TO PUBLIC;
