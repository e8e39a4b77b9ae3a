\echo Use "CREATE EXTENSION numpool" to load this file. \quit

-- Definitions: the durable part of a pool. Live state is in shared memory. To cut off the end of the
-- table, VACUUM would lock out numpool_enqueue, which waits for nothing.
CREATE SEQUENCE numpool_identity_seq AS bigint MAXVALUE 4294967295;
-- Every fence given so far is below its last_value; who drew them is in log_cnt.
CREATE SEQUENCE numpool_fence_seq AS bigint;

CREATE TABLE numpool_definitions (
  name text COLLATE "C" PRIMARY KEY CHECK (pg_catalog.char_length(name) BETWEEN 1 AND 200),
  identity bigint NOT NULL UNIQUE CHECK (identity BETWEEN 1 AND 4294967295),
  size integer NOT NULL CHECK (size BETWEEN 1 AND 65536),
  metadata jsonb,
  -- Roles: names for the dump, and the OIDs that count, which the trigger numpool_definition_roles sets.
  owner name,
  owner_oid oid,
  users name[] NOT NULL DEFAULT '{public}',
  user_oids oid[] NOT NULL DEFAULT '{0}',
  out_of_service jsonb,
  settings jsonb
) WITH (vacuum_truncate = off);
-- Whoever creates a pool finds by it those that may go.
CREATE INDEX numpool_definitions_ephemeral_idx ON numpool_definitions (identity)
  WHERE settings OPERATOR(pg_catalog.->) 'ephemeral' OPERATOR(pg_catalog.<>) 'false';
ALTER TABLE numpool_definitions
  ALTER COLUMN identity SET DEFAULT pg_catalog.nextval('@extschema@.numpool_identity_seq');
ALTER SEQUENCE numpool_identity_seq OWNED BY numpool_definitions.identity;

-- pg_dump puts the second argument behind the table's name. So it writes the names that roles have at
-- the dump, of roles that are there, where the rows have the names of their last change; and no OIDs.
SELECT pg_catalog.pg_extension_config_dump('numpool_definitions', $$
  AS d (name, identity, size, metadata, row_owner, row_owner_oid, row_users, row_user_oids)
  CROSS JOIN LATERAL (SELECT
    (SELECT r.rolname FROM pg_catalog.pg_roles AS r
      WHERE r.oid OPERATOR(pg_catalog.=) d.row_owner_oid) AS owner,
    NULL::pg_catalog.oid AS owner_oid,
    ARRAY(SELECT CASE WHEN u.oid OPERATOR(pg_catalog.=) 0 THEN 'public'::pg_catalog.name ELSE r.rolname END
            FROM pg_catalog.unnest(d.row_user_oids) WITH ORDINALITY AS u (oid, position)
            LEFT JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) u.oid
           WHERE u.oid OPERATOR(pg_catalog.=) 0 OR r.oid IS NOT NULL ORDER BY u.position) AS users,
    NULL::pg_catalog.oid[] AS user_oids) AS roles$$);
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

CREATE FUNCTION numpool_definition_roles() RETURNS trigger
  LANGUAGE C AS 'MODULE_PATHNAME';
REVOKE ALL ON FUNCTION numpool_definition_roles() FROM PUBLIC;

CREATE TRIGGER numpool_definition_roles
  BEFORE INSERT OR UPDATE ON numpool_definitions
  FOR EACH ROW EXECUTE FUNCTION numpool_definition_roles();
CREATE TRIGGER numpool_definition_changed
  AFTER INSERT OR UPDATE OR DELETE ON numpool_definitions
  FOR EACH ROW EXECUTE FUNCTION numpool_definition_changed();
CREATE TRIGGER numpool_definitions_truncated
  BEFORE TRUNCATE ON numpool_definitions
  FOR EACH STATEMENT EXECUTE FUNCTION numpool_definition_changed();
-- Also where a subscription or pg_restore writes the rows.
ALTER TABLE numpool_definitions ENABLE ALWAYS TRIGGER numpool_definition_roles;
ALTER TABLE numpool_definitions ENABLE ALWAYS TRIGGER numpool_definition_changed;
ALTER TABLE numpool_definitions ENABLE ALWAYS TRIGGER numpool_definitions_truncated;

-- Timed leases: a row each, inserted and deleted and never changed, and read at the first use after a
-- start. Not dumped: a lease is of this server.
CREATE TABLE numpool_timed (
  database oid NOT NULL,
  identity bigint NOT NULL,
  index integer NOT NULL,
  fence bigint NOT NULL,
  token uuid NOT NULL,
  ttl interval NOT NULL,
  holder text,
  role oid NOT NULL,
  PRIMARY KEY (identity, index, fence)
) WITH (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2147483647);
CREATE INDEX numpool_timed_token_idx ON numpool_timed (token);

CREATE FUNCTION numpool_timed_changed() RETURNS trigger
  LANGUAGE C AS 'MODULE_PATHNAME';
REVOKE ALL ON FUNCTION numpool_timed_changed() FROM PUBLIC;
CREATE TRIGGER numpool_timed_changed
  BEFORE INSERT OR UPDATE OR DELETE ON numpool_timed
  FOR EACH ROW EXECUTE FUNCTION numpool_timed_changed();
CREATE TRIGGER numpool_timed_truncated
  BEFORE TRUNCATE ON numpool_timed
  FOR EACH STATEMENT EXECUTE FUNCTION numpool_timed_changed();
ALTER TABLE numpool_timed ENABLE ALWAYS TRIGGER numpool_timed_changed;
ALTER TABLE numpool_timed ENABLE ALWAYS TRIGGER numpool_timed_truncated;

-- Pools
CREATE FUNCTION numpool_create(pool text, size integer, metadata jsonb DEFAULT NULL,
                               if_not_exists boolean DEFAULT false, settings jsonb DEFAULT NULL)
  RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_drop(pool text, force boolean DEFAULT false,
                             if_exists boolean DEFAULT false) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_resize(pool text, size integer) RETURNS integer
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_configure(pool text, settings jsonb) RETURNS jsonb
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_settings(pool text) RETURNS jsonb
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
-- Who may use a pool, and whose it is. `role` may be public in the first two.
CREATE FUNCTION numpool_grant(pool text, role name) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_revoke(pool text, role name) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_set_owner(pool text, role name) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- A number that is out of service is not given; a lease of it stays. True if that changed anything.
CREATE FUNCTION numpool_set_service(pool text, index integer, in_service boolean,
                                    reason text DEFAULT NULL) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- The same for all numbers of the pool.
CREATE FUNCTION numpool_drain(pool text, drain boolean, reason text DEFAULT NULL) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- Waits until nobody holds a number of the pool, nor waits for one unless it is drained; false when
-- the timeout passes.
CREATE FUNCTION numpool_wait_idle(pool text, timeout interval DEFAULT NULL) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_xact_lock(pool text) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
-- Every fence of this database that is given from now on is at_least that much. Returns the least one
-- that can be given. As with setval, ROLLBACK does not undo it. 22023 out of range.
CREATE FUNCTION numpool_advance_fences(at_least bigint) RETURNS bigint
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Who may make pools is for the extension's owner to say. The functions that change one look who owns it.
REVOKE ALL ON FUNCTION numpool_create(text, integer, jsonb, boolean, jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_advance_fences(bigint) FROM PUBLIC;
-- Where the extension is trusted, its objects belong to the bootstrap superuser, not to who
-- installed it.
GRANT EXECUTE ON FUNCTION
    numpool_create(text, integer, jsonb, boolean, jsonb), numpool_advance_fences(bigint)
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

-- Operating: what is done to others' leases
CREATE FUNCTION numpool_end_lease(pool text, index integer, fence bigint DEFAULT NULL)
  RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Timed leases: a token's, over any connection
CREATE FUNCTION numpool_lease(
    pool text, ttl interval, INOUT token uuid DEFAULT NULL, timeout interval DEFAULT NULL,
    holder text DEFAULT NULL, OUT index integer, OUT fence bigint, OUT expires_at timestamptz)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_keep(
    pool text, index integer, ttl interval, INOUT token uuid DEFAULT NULL,
    holder text DEFAULT NULL, OUT fence bigint, OUT expires_at timestamptz)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_renew(
    token uuid, OUT fence bigint, OUT expires_at timestamptz, OUT ttl interval)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_release(token uuid) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'numpool_release_token';

-- They write, and what they lease outlives the session.
REVOKE ALL ON FUNCTION numpool_lease(text, interval, uuid, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION numpool_keep(text, integer, interval, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    numpool_lease(text, interval, uuid, interval, text),
    numpool_keep(text, integer, interval, uuid, text)
  TO @extowner@;

-- Tickets
CREATE FUNCTION numpool_enqueue(pool text, OUT ticket bigint, OUT index integer, OUT fence bigint)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_poll(ticket bigint, OUT state text, OUT index integer, OUT fence bigint)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_cancel(ticket bigint) RETURNS boolean
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_channel() RETURNS text
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- The same for each element of an array: a row an element, in the order of the array. An error of
-- one is its result, and the others go on.
CREATE FUNCTION numpool_enqueue_batch(
    pools text[], OUT ticket bigint, OUT index integer, OUT fence bigint, OUT sqlstate text,
    OUT message text, OUT detail text, OUT hint text) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_release_batch(
    pools text[], indexes integer[], fences bigint[], OUT released boolean, OUT sqlstate text,
    OUT message text, OUT detail text, OUT hint text) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_cancel_batch(
    tickets bigint[], OUT cancelled boolean, OUT sqlstate text, OUT message text, OUT detail text,
    OUT hint text) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Views. Who a session is comes from pg_stat_activity, with what that hides.
CREATE FUNCTION numpool_show_pools(
    OUT pool text, OUT size integer, OUT in_use integer, OUT free integer, OUT waiting integer,
    OUT bitmap varbit, OUT metadata jsonb, OUT grants bigint, OUT handoffs bigint,
    OUT timeouts bigint, OUT cancels bigint, OUT deadlocks bigint, OUT wait_total interval, OUT wait_longest interval,
    OUT counting_since timestamptz, OUT timed integer, OUT expired bigint, OUT ended bigint,
    OUT deaths bigint, OUT owner name, OUT out_of_service integer, OUT drained boolean,
    OUT resting integer, OUT settings jsonb, OUT users name[]) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_show_leases(
    OUT pool text, OUT index integer, OUT fence bigint, OUT pid integer, OUT scope text,
    OUT state text, OUT acquired_at timestamptz, OUT ticket bigint, OUT holder text,
    OUT expires_at timestamptz, OUT token uuid, OUT role oid, OUT in_service boolean)
  RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_show_waiters(
    OUT pool text, OUT "position" integer, OUT ticket bigint, OUT pid integer, OUT kind text,
    OUT since timestamptz, OUT holder text, OUT expires_at timestamptz, OUT token uuid,
    OUT role oid) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- For monitoring: without bitmaps and metadata. Of waits, wait_counts has those of at most 100 us, 1 ms,
-- and so on to 1000 s, each beyond the one before, and those that were longer.
CREATE FUNCTION numpool_show_counters(
    OUT pool text, OUT size integer, OUT in_use integer, OUT free integer, OUT waiting integer,
    OUT timed integer, OUT out_of_service integer, OUT drained boolean, OUT resting integer,
    OUT waiting_since timestamptz, OUT grants bigint, OUT handoffs bigint, OUT timeouts bigint,
    OUT cancels bigint, OUT expired bigint, OUT ended bigint, OUT deaths bigint, OUT deadlocks bigint,
    OUT wait_total interval, OUT wait_longest interval, OUT wait_counts bigint[],
    OUT wait_sum interval, OUT counting_since timestamptz) RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION numpool_reset_counters(pool text) RETURNS void
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

-- Each number of a pool: who has it, or had it last since the pool became live.
CREATE FUNCTION numpool_slots(
    pool text, OUT index integer, OUT state text, OUT since timestamptz, OUT until timestamptz,
    OUT reason text, OUT fence bigint, OUT pid integer, OUT usename name, OUT last_end text)
  RETURNS SETOF record
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION numpool_blocking(pid integer) RETURNS integer[]
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

CREATE FUNCTION numpool_show_memory(
    OUT size bigint, OUT used bigint, OUT idle bigint, OUT free bigint, OUT largest_pool integer,
    OUT pools integer, OUT max_pools integer, OUT tickets bigint, OUT max_tickets bigint,
    OUT configured_size bigint)
  LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';

CREATE VIEW numpool_pools AS SELECT * FROM numpool_show_pools();
CREATE VIEW numpool_leases AS
  SELECT l.pool, l.index, l.fence, l.pid,
         CASE WHEN l.role IS NULL THEN a.usename ELSE pg_catalog.pg_get_userbyid(l.role) END AS usename,
         a.application_name, a.client_addr, l.scope, l.state, l.acquired_at, l.ticket, l.holder,
         l.expires_at, l.token, l.in_service
    FROM numpool_show_leases() AS l LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid);
CREATE VIEW numpool_waiters AS
  SELECT w.pool, w."position", w.ticket, w.pid,
         CASE WHEN w.role IS NULL THEN a.usename ELSE pg_catalog.pg_get_userbyid(w.role) END AS usename,
         a.application_name, w.kind, w.since, w.holder, w.expires_at, w.token
    FROM numpool_show_waiters() AS w LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid);
CREATE VIEW numpool_memory AS SELECT * FROM numpool_show_memory();
GRANT SELECT ON numpool_pools, numpool_leases, numpool_waiters, numpool_memory TO PUBLIC;

-- What \df+, \d+ and \ds+ of psql say. sql/catalog.sql misses none.
COMMENT ON SEQUENCE numpool_identity_seq IS 'identities of definitions; numpool''s own';
COMMENT ON SEQUENCE numpool_fence_seq IS 'blocks of fences; numpool''s own: never set it back';
COMMENT ON TABLE numpool_definitions IS
  'the durable part of the pools; change it by the functions of numpool';
COMMENT ON COLUMN numpool_definitions.name IS 'name of the pool, 1 to 200 characters';
COMMENT ON COLUMN numpool_definitions.identity IS 'tells a pool from an earlier one of the same name';
COMMENT ON COLUMN numpool_definitions.size IS 'the pool has the numbers 0 to size - 1';
COMMENT ON COLUMN numpool_definitions.metadata IS 'what users keep with the pool';
COMMENT ON COLUMN numpool_definitions.owner IS 'who may change the pool; as the role was called when the row last changed';
COMMENT ON COLUMN numpool_definitions.owner_oid IS
  'the role that is meant, whatever it is called; NULL: the extension''s owner. Set by a trigger only';
COMMENT ON COLUMN numpool_definitions.users IS 'who may lease; as the roles were called when the row last changed';
COMMENT ON COLUMN numpool_definitions.user_oids IS
  'the roles that are meant, whatever they are called; 0: public. Set by a trigger only';
COMMENT ON FUNCTION numpool_definition_roles() IS 'trigger: finds the roles that are meant by owner and users';
COMMENT ON COLUMN numpool_definitions.out_of_service IS
  'numbers that are not given, and why: {"3": "fan broken"}; "all" of a pool that is drained; NULL: none';
COMMENT ON INDEX numpool_definitions_ephemeral_idx IS 'finds the pools that go when nobody has used them for long';
COMMENT ON COLUMN numpool_definitions.settings IS 'settings that are not the default; see numpool_configure';
COMMENT ON FUNCTION numpool_definition_changed() IS 'trigger: brings a changed definition to the live pool';

COMMENT ON TABLE numpool_timed IS 'the durable part of timed leases; numpool''s own: see numpool_leases';
COMMENT ON COLUMN numpool_timed.database IS 'oid of the database that it counts in';
COMMENT ON COLUMN numpool_timed.identity IS 'the pool, as in numpool_definitions';
COMMENT ON COLUMN numpool_timed.index IS 'the leased number';
COMMENT ON COLUMN numpool_timed.fence IS 'fencing token with which it was leased';
COMMENT ON COLUMN numpool_timed.token IS 'who has the lease';
COMMENT ON COLUMN numpool_timed.ttl IS 'how long it lasts from its last renewal';
COMMENT ON COLUMN numpool_timed.holder IS 'who, where or why, for people';
COMMENT ON COLUMN numpool_timed.role IS 'oid of the role that took it';
COMMENT ON FUNCTION numpool_timed_changed() IS 'trigger: refuses changes by hand';
COMMENT ON INDEX numpool_timed_token_idx IS 'finds the row of a token, for people';

COMMENT ON FUNCTION numpool_create(text, integer, jsonb, boolean, jsonb) IS
  'make a pool of the numbers 0 to size - 1; true if it was made, false if it was there and if_not_exists; 42710 if it exists (with if_not_exists: in another size); also drops ephemeral pools that nobody has used for long';
COMMENT ON FUNCTION numpool_drop(text, boolean, boolean) IS
  'drop a pool; 55006 while it has leases or waiters, unless force, which ends them; false if it was not there and if_exists';
COMMENT ON FUNCTION numpool_resize(text, integer) IS
  'change a pool''s size and return the old one; growing serves waiters at COMMIT, shrinking lets leases beyond live until they are released';
COMMENT ON FUNCTION numpool_configure(text, jsonb) IS
  'change settings of a pool, at COMMIT, and return all: policy, cooldown, death_delay, max_hold, max_count, priority_limit, max_ttl, ephemeral; null resets one';
COMMENT ON FUNCTION numpool_settings(text) IS 'all settings of a pool, also those that are the default';
COMMENT ON FUNCTION numpool_list(text) IS 'names of the pools that begin with prefix, taken literally';
COMMENT ON FUNCTION numpool_open(text, integer) IS
  'a pool''s metadata, for who may use or change it; 42704 if there is no such pool, 42710 if it has another size than the one given; needs no right to create';
COMMENT ON FUNCTION numpool_metadata(text) IS
  'what is kept with the pool, or NULL; 42501 for who may neither use nor change it';
COMMENT ON FUNCTION numpool_set_metadata(text, jsonb) IS 'replace what is kept with the pool; NULL removes it';
COMMENT ON FUNCTION numpool_replace_metadata(text, jsonb, jsonb) IS
  'replace the metadata if it is as expected; true if it then is what was to be set';
COMMENT ON FUNCTION numpool_grant(text, name) IS 'let a role, or public, use the pool';
COMMENT ON FUNCTION numpool_revoke(text, name) IS
  'let a role, or public, use the pool no more; what it has leased, and what it waits for, stays';
COMMENT ON FUNCTION numpool_set_owner(text, name) IS 'give the pool to a role that one is a member of';
COMMENT ON FUNCTION numpool_set_service(text, integer, boolean, text) IS
  'take a number out of service, or in again: from COMMIT on it is not given, and a lease of it stays; true if that changed anything';
COMMENT ON FUNCTION numpool_drain(text, boolean, text) IS
  'give none of a pool''s numbers from COMMIT on, or all again; leases stay, and so do waiters; true if that changed anything';
COMMENT ON FUNCTION numpool_wait_idle(text, interval) IS
  'wait until nobody holds a number of the pool, nor waits for one unless it is drained; false when the timeout passes; 40P01 if this session has or wants one';
COMMENT ON FUNCTION numpool_xact_lock(text) IS
  'an exclusive lock among its callers until the transaction ends; leases ignore it';

COMMENT ON FUNCTION numpool_acquire(text, interval) IS
  'lease a number for this session: a free one, the lowest unless the policy says otherwise, or wait in line; NULL when the timeout passes';
COMMENT ON FUNCTION numpool_try_acquire(text) IS
  'lease a number for this session without waiting; NULL if none is free (0 is a number)';
COMMENT ON FUNCTION numpool_acquire_xact(text, interval) IS
  'lease a number until the transaction ends, either way: the lowest free one, or wait in line; NULL when the timeout passes';
COMMENT ON FUNCTION numpool_try_acquire_xact(text) IS
  'lease a number until the transaction ends, without waiting; NULL if none is free (0 is a number)';
COMMENT ON FUNCTION numpool_release(text, integer) IS
  'give a number back at COMMIT; false and a warning if this session does not hold it';
COMMENT ON FUNCTION numpool_release(text, integer, bigint) IS
  'give back the lease with this fence at COMMIT; 55000 if this session does not hold it';
COMMENT ON FUNCTION numpool_release_all() IS
  'give back all leases and tickets of this session, and return how many; DISCARD ALL does it too';
COMMENT ON FUNCTION numpool_fence(text, integer) IS
  'fencing token of a lease that this session holds, else NULL; larger with every grant of the pool';

COMMENT ON FUNCTION numpool_end_lease(text, integer, bigint) IS
  'end the lease that a number has at the call, at COMMIT, whoever holds it; with a fence only that one; false if there is no such lease';

COMMENT ON FUNCTION numpool_advance_fences(bigint) IS
  'make every fence of this database that is given from now on at_least so large, and return the least; not undone by ROLLBACK';

COMMENT ON FUNCTION numpool_lease(text, interval, uuid, interval, text) IS
  'lease a number for a token until ttl after the last renewal; with a token of one''s own a place in line is kept when the timeout passes; call it in FROM';
COMMENT ON FUNCTION numpool_keep(text, integer, interval, uuid, text) IS
  'turn a lease of this session into a timed one at COMMIT; NULLs if this session does not hold the number; call it in FROM';
COMMENT ON FUNCTION numpool_renew(uuid) IS
  'renew a timed lease by its own ttl; NULLs if the token holds nothing; for a kept place only expires_at';
COMMENT ON FUNCTION numpool_release(uuid) IS
  'give back what a token has, at COMMIT; false and a warning if that is nothing';

COMMENT ON FUNCTION numpool_enqueue(text) IS
  'take a ticket: index and fence if a number was free, else a notification on numpool_channel() follows; call it in FROM';
COMMENT ON FUNCTION numpool_poll(bigint) IS
  'state of a ticket of this session: waiting, granted (with index and fence), dropped, ended or gone';
COMMENT ON FUNCTION numpool_cancel(bigint) IS 'leave the queue, or release what the ticket was granted';
COMMENT ON FUNCTION numpool_channel() IS 'this session''s channel, to which numpool_enqueue LISTENs by itself';
COMMENT ON FUNCTION numpool_enqueue_batch(text[]) IS
  'numpool_enqueue for each pool of the array, in its order; sqlstate and message of the ones that failed';
COMMENT ON FUNCTION numpool_release_batch(text[], integer[], bigint[]) IS
  'give back leases by pool, number and fence, at COMMIT; false for one that this session does not hold; commit before you enqueue, or you pass the queue';
COMMENT ON FUNCTION numpool_cancel_batch(bigint[]) IS 'numpool_cancel for each ticket of the array';

COMMENT ON FUNCTION numpool_slots(text) IS
  'each number of a pool: leased, free, resting or out of service, since when and why; who has it, or had it last and how that ended';

COMMENT ON FUNCTION numpool_blocking(integer) IS
  'pids of those for whom that backend sleeps in a queue: they hold numbers of the pool, or are ahead';

COMMENT ON FUNCTION numpool_show_pools() IS 'behind the view numpool_pools';
COMMENT ON FUNCTION numpool_show_leases() IS 'behind the view numpool_leases';
COMMENT ON FUNCTION numpool_show_waiters() IS 'behind the view numpool_waiters';
COMMENT ON FUNCTION numpool_show_counters() IS
  'figures of the pools of this database, cheap enough for monitoring, named as in numpool_pools; wait_counts: hand-offs after at most 100 us, 1 ms, ... 1000 s, and longer ones, wait_sum: what these waited; NULL if none was counted';
COMMENT ON FUNCTION numpool_reset_counters(text) IS 'let a pool count anew from now on; not undone by ROLLBACK';
COMMENT ON FUNCTION numpool_show_memory() IS 'behind the view numpool_memory';

COMMENT ON VIEW numpool_pools IS 'the pools of this database at this moment; on a standby NULL for all that only the primary knows';
COMMENT ON COLUMN numpool_pools.pool IS 'name of the pool';
COMMENT ON COLUMN numpool_pools.size IS 'the pool has the numbers 0 to size - 1';
COMMENT ON COLUMN numpool_pools.in_use IS 'numbers that are leased';
COMMENT ON COLUMN numpool_pools.free IS 'numbers that can be leased at once';
COMMENT ON COLUMN numpool_pools.waiting IS 'waiters in the queue';
COMMENT ON COLUMN numpool_pools.bitmap IS 'a bit a number, number 0 first: 1 where it is leased';
COMMENT ON COLUMN numpool_pools.metadata IS
  'what users keep with the pool; NULL for who may neither use nor change it';
COMMENT ON COLUMN numpool_pools.grants IS 'leases granted since counting_since';
COMMENT ON COLUMN numpool_pools.handoffs IS 'those of the grants that went to a waiter';
COMMENT ON COLUMN numpool_pools.timeouts IS 'waits that ended at their time limit';
COMMENT ON COLUMN numpool_pools.cancels IS 'waits that ended without a number for any other reason';
COMMENT ON COLUMN numpool_pools.deadlocks IS 'waits that were ended because they were part of a deadlock';
COMMENT ON COLUMN numpool_pools.wait_total IS 'time that those who were granted a number had waited, summed up';
COMMENT ON COLUMN numpool_pools.wait_longest IS 'the longest of those waits';
COMMENT ON COLUMN numpool_pools.counting_since IS 'when the counters began: when the pool was loaded into shared memory, or by numpool_reset_counters';

COMMENT ON COLUMN numpool_pools.timed IS 'numbers that tokens hold';
COMMENT ON COLUMN numpool_pools.expired IS 'timed leases that ended because their time was over';
COMMENT ON COLUMN numpool_pools.ended IS 'leases that were ended by somebody who did not hold them, or by the setting max_hold';
COMMENT ON COLUMN numpool_pools.deaths IS
  'leases that ended with a session that did not end well: killed, terminated, or its client gone without a word';
COMMENT ON COLUMN numpool_pools.owner IS 'the role that may change the pool, as it is called now';
COMMENT ON COLUMN numpool_pools.resting IS 'numbers that were released and cannot be leased yet: cooldown, death_delay';
COMMENT ON COLUMN numpool_pools.settings IS 'settings that are not the default; numpool_settings tells all';
COMMENT ON COLUMN numpool_pools.users IS 'the roles that may lease its numbers, as they are called now; public: everybody';

COMMENT ON COLUMN numpool_pools.out_of_service IS 'numbers that are not given, and that nobody holds';
COMMENT ON COLUMN numpool_pools.drained IS 'none of its numbers is given';

COMMENT ON VIEW numpool_leases IS 'who holds which number at this moment, since when';
COMMENT ON COLUMN numpool_leases.pool IS 'name of the pool';
COMMENT ON COLUMN numpool_leases.index IS 'the leased number';
COMMENT ON COLUMN numpool_leases.fence IS 'fencing token of the lease';
COMMENT ON COLUMN numpool_leases.pid IS 'the holder''s backend, as in pg_stat_activity; NULL of a timed lease';
COMMENT ON COLUMN numpool_leases.usename IS
  'the holder''s role, NULL where pg_stat_activity hides it; of a timed lease the role that took it';
COMMENT ON COLUMN numpool_leases.application_name IS 'of the holder, as it calls itself';
COMMENT ON COLUMN numpool_leases.client_addr IS 'where the holder is connected from; NULL for a unix socket';
COMMENT ON COLUMN numpool_leases.scope IS 'what ends the lease: session, transaction or timed';
COMMENT ON COLUMN numpool_leases.state IS
  'held; granted: to a ticket or a token that has not taken note yet; releasing: in an open transaction';
COMMENT ON COLUMN numpool_leases.acquired_at IS 'when the lease was granted';
COMMENT ON COLUMN numpool_leases.ticket IS 'the ticket that it was granted to, if any';

COMMENT ON COLUMN numpool_leases.holder IS 'what the holder of a timed lease said of itself';
COMMENT ON COLUMN numpool_leases.expires_at IS 'when it will end unless it is renewed; NULL: not by time';
COMMENT ON COLUMN numpool_leases.token IS 'of a timed lease; NULL for who may not use it';

COMMENT ON COLUMN numpool_leases.in_service IS
  'false: when the lease ends, the number is not given again';

COMMENT ON VIEW numpool_waiters IS 'who waits for a number at this moment, in the order of the queue';
COMMENT ON COLUMN numpool_waiters.pool IS 'name of the pool';
COMMENT ON COLUMN numpool_waiters."position" IS '1 is next';
COMMENT ON COLUMN numpool_waiters.ticket IS 'NULL for a waiter whose backend sleeps';
COMMENT ON COLUMN numpool_waiters.pid IS 'the waiter''s backend, as in pg_stat_activity';
COMMENT ON COLUMN numpool_waiters.usename IS 'the waiter''s role; NULL where pg_stat_activity hides it';
COMMENT ON COLUMN numpool_waiters.application_name IS 'of the waiter, as it calls itself';
COMMENT ON COLUMN numpool_waiters.kind IS
  'blocking: its backend sleeps; ticket: its client is notified; place: kept for a token';
COMMENT ON COLUMN numpool_waiters.since IS 'when it joined the queue';

COMMENT ON COLUMN numpool_waiters.holder IS 'what the caller for a kept place said of itself';
COMMENT ON COLUMN numpool_waiters.expires_at IS 'when the kept place will end unless its token comes again';
COMMENT ON COLUMN numpool_waiters.token IS 'of a kept place; NULL for who may not use it';

COMMENT ON VIEW numpool_memory IS
  'how full the shared memory of numpool is, for all databases of the server; NULLs before its first use and on a standby';
COMMENT ON COLUMN numpool_memory.size IS 'bytes of shared memory that numpool has';
COMMENT ON COLUMN numpool_memory.used IS 'bytes of these that are taken';
COMMENT ON COLUMN numpool_memory.idle IS
  'bytes of what is taken that belong to pools which nobody uses: they go when room is needed';
COMMENT ON COLUMN numpool_memory.free IS 'bytes that pools and tickets may have';
COMMENT ON COLUMN numpool_memory.largest_pool IS
  'numbers of the largest pool that there is room for, idle pools left alone';
COMMENT ON COLUMN numpool_memory.pools IS 'pools that are live';
COMMENT ON COLUMN numpool_memory.max_pools IS 'pools that can be live at a time';
COMMENT ON COLUMN numpool_memory.tickets IS 'tickets that wait';
COMMENT ON COLUMN numpool_memory.max_tickets IS 'tickets that could wait, if the free bytes were for them';
COMMENT ON COLUMN numpool_memory.configured_size IS
  'bytes that numpool.shared_memory_size asks for: what the memory will have after the next start';
