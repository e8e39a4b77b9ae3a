-- Who owns a pool may change it, who is among its users may lease from it; OIDs count, names follow.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
\set VERBOSITY sqlstate
\pset null (null)
CREATE ROLE numpool_owner;
CREATE ROLE numpool_second;
CREATE ROLE numpool_user;
CREATE ROLE numpool_team;
CREATE ROLE numpool_member IN ROLE numpool_team;
CREATE ROLE numpool_distant NOINHERIT IN ROLE numpool_owner;
CREATE ROLE numpool_near IN ROLE numpool_owner;
CREATE ROLE numpool_stranger;
GRANT EXECUTE ON FUNCTION numpool_create(text, int, jsonb, boolean, jsonb) TO numpool_owner;
CREATE VIEW roles_of AS
  SELECT name, owner, owner_oid::regrole AS owner_is, users, user_oids::regrole[] AS users_are
    FROM numpool_definitions WHERE name LIKE 'own%' ORDER BY name;

-- whoever makes a pool owns it
SET ROLE numpool_owner;
SELECT numpool_create('own', 2, '{"secret": 1}');
SELECT pool, owner, metadata FROM numpool_pools WHERE pool LIKE 'own%';
RESET ROLE;
SELECT * FROM roles_of;
SET ROLE numpool_stranger;
SELECT numpool_resize('own', 3);                                      -- 42501
SELECT numpool_set_metadata('own', '2');                              -- 42501
SELECT numpool_replace_metadata('own', '{"secret": 1}', '2');         -- 42501
SELECT numpool_replace_metadata('own', '2', '{"secret": 1}');         -- 42501, though nothing would change
SELECT numpool_grant('own', 'numpool_stranger');                      -- 42501
SELECT numpool_revoke('own', 'public');                               -- 42501
SELECT numpool_set_owner('own', 'numpool_stranger');                  -- 42501
SELECT numpool_end_lease('own', 0);                                   -- 42501
SELECT numpool_reset_counters('own');                                 -- 42501
SELECT numpool_configure('own', '{"cooldown": "1 s"}');               -- 42501
SELECT numpool_configure('own', '{}');                                -- 42501, though nothing would change
SELECT numpool_set_service('own', 0, false);                          -- 42501
SELECT numpool_set_service('own', 0, true);                           -- 42501, though nothing would change
SELECT numpool_drain('own', true);                                    -- 42501
SELECT numpool_wait_idle('own', '0');                                 -- t: everybody is among the users
SELECT numpool_drop('own'), 'not reached';                            -- 42501
SELECT numpool_drop('own', true);                                     -- 42501
SELECT numpool_resize('own_none', 3);                                 -- 42704
SELECT numpool_drop('own_none', if_exists => true);                   -- f
-- everybody is among the users of a new pool
SELECT users FROM numpool_pools WHERE pool = 'own';
SELECT numpool_try_acquire('own');                                    -- 0
SELECT numpool_metadata('own'), numpool_open('own');
-- a member that does not inherit; one that does; the extension's owner
SET ROLE numpool_distant;
SELECT numpool_resize('own', 3);                                      -- 42501
SELECT numpool_set_service('own', 0, false);                          -- 42501
SET ROLE numpool_near;
SELECT numpool_resize('own', 3);                                      -- 2
SELECT numpool_set_service('own', 2, false), numpool_drain('own', true);   -- t, t
SELECT numpool_set_service('own', 2, true), numpool_drain('own', false);   -- t, t
SELECT numpool_configure('own', '{"policy": null}') ->> 'policy';     -- lowest
RESET ROLE;
SELECT numpool_resize('own', 4);                                      -- 3

-- users
SET ROLE numpool_owner;
SELECT numpool_grant('own', 'numpool_user');
SELECT numpool_grant('own', 'numpool_user');
SELECT numpool_revoke('own', 'public');
SELECT numpool_revoke('own', 'numpool_stranger');
SELECT numpool_grant('own', 'numpool_none');                          -- 42704
SELECT numpool_grant('own', NULL);                                    -- 22004
SELECT numpool_grant('own_none', 'public');                           -- 42704
SELECT numpool_try_acquire('own');                                    -- 42501: an owner is a user only if he is among them
RESET ROLE;
SELECT * FROM roles_of;
SET ROLE numpool_user;
SELECT numpool_acquire('own'), numpool_try_acquire_xact('own');       -- 1, 2
SELECT numpool_metadata('own'), numpool_open('own', 4);
SET ROLE numpool_stranger;
SELECT numpool_acquire('own');                                        -- 42501
SELECT numpool_try_acquire('own');                                    -- 42501
SELECT numpool_acquire_xact('own');                                   -- 42501
SELECT numpool_try_acquire_xact('own');                               -- 42501
SELECT numpool_enqueue('own');                                        -- 42501
SELECT index, sqlstate FROM numpool_enqueue_batch('{own,own}');       -- 42501, 42501
SELECT numpool_xact_lock('own');                                      -- 42501
SELECT numpool_wait_idle('own', '0');                                 -- 42501
SELECT numpool_metadata('own');                                       -- 42501
SELECT numpool_open('own');                                           -- null
SELECT numpool_open('own', 3);                                        -- 42710
SELECT pool, size, in_use, owner, metadata FROM numpool_pools WHERE pool = 'own';   -- null
SELECT numpool_list('own');
SET ROLE numpool_owner;
SELECT numpool_end_lease('own', 3);                                   -- f: nobody has it
SET ROLE numpool_stranger;
-- what the session has is its own
SELECT numpool_fence('own', 0) IS NOT NULL AS held;
\o /dev/null
SELECT numpool_release('own', 1);
\o
-- taking back is an acquire
BEGIN;
SELECT numpool_release('own', 0);
SELECT numpool_acquire('own');                                        -- 42501
ROLLBACK;
RESET ROLE;
SELECT numpool_release_all();                                         -- 1
-- a role of roles; a function of its owner's rights
SELECT numpool_grant('own', 'numpool_team');
SET ROLE numpool_member;
SELECT numpool_try_acquire_xact('own');                               -- 0
RESET ROLE;
CREATE FUNCTION acquire_as_user() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$SELECT numpool_try_acquire_xact('own')$$;
ALTER FUNCTION acquire_as_user() OWNER TO numpool_user;
CREATE FUNCTION resize_as_owner(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS $$SELECT numpool_resize('own', $1)$$;
ALTER FUNCTION resize_as_owner(int) OWNER TO numpool_owner;
SET ROLE numpool_stranger;
SELECT acquire_as_user();                                             -- 0
SELECT numpool_try_acquire('own');                                    -- 42501
SELECT resize_as_owner(5);                                            -- 4
SELECT numpool_resize('own', 4);                                      -- 42501
RESET ROLE;
DROP FUNCTION acquire_as_user();
DROP FUNCTION resize_as_owner(int);
-- nobody but superusers
SELECT numpool_revoke('own', 'numpool_team'), numpool_revoke('own', 'numpool_user');
SELECT users, user_oids FROM numpool_definitions WHERE name = 'own';
SET ROLE numpool_user;
SELECT numpool_try_acquire('own');                                    -- 42501
RESET ROLE;
SELECT numpool_try_acquire_xact('own');                               -- 0

-- what is rolled back was never granted, whatever the session has seen of it
BEGIN;
SELECT numpool_grant('own', 'numpool_user');
SET LOCAL ROLE numpool_user;
SELECT numpool_try_acquire_xact('own');                               -- 0
ROLLBACK;
SET ROLE numpool_user;
SELECT numpool_try_acquire('own');                                    -- 42501
RESET ROLE;
BEGIN;
SAVEPOINT s;
SELECT numpool_grant('own', 'public');
SET LOCAL ROLE numpool_user;
SELECT numpool_try_acquire_xact('own');                               -- 0
ROLLBACK TO s;
SET LOCAL ROLE numpool_user;
SELECT numpool_try_acquire('own');                                    -- 42501
ROLLBACK;
-- seen in RETURNING, before the statement has come to its end
CREATE FUNCTION try_as_user() RETURNS int LANGUAGE plpgsql AS $$
DECLARE number int;
BEGIN
  SET LOCAL ROLE numpool_user;
  number := numpool_try_acquire_xact('own');
  RESET ROLE;
  RETURN number;
END $$;
BEGIN;
SAVEPOINT s;
SELECT numpool_set_metadata('own', '3');
ROLLBACK TO s;                                                        -- the session remembers nothing now
UPDATE numpool_definitions SET users = '{public}' WHERE name = 'own' RETURNING try_as_user(), 1 / (size - size);   -- 22012
ROLLBACK TO s;
SET LOCAL ROLE numpool_user;
SELECT numpool_try_acquire('own');                                    -- 42501
ROLLBACK;
DROP FUNCTION try_as_user();

-- the next owner: a role that one can SET ROLE to
SET ROLE numpool_owner;
SELECT numpool_set_owner('own', 'numpool_second');                    -- 42501
SELECT numpool_set_owner('own', 'public');                            -- 42704
SELECT numpool_set_owner('own', 'numpool_owner');                     -- it is already
RESET ROLE;
ALTER ROLE numpool_owner NOINHERIT;
GRANT numpool_second TO numpool_owner;
SET ROLE numpool_owner;
SELECT numpool_set_owner('own', 'numpool_second');
SELECT owner FROM numpool_pools WHERE pool = 'own';
SELECT numpool_resize('own', 4);                                      -- 42501
SET ROLE numpool_second;
SELECT numpool_resize('own', 4);                                      -- 5
RESET ROLE;
ALTER ROLE numpool_owner INHERIT;
REVOKE numpool_second FROM numpool_owner;

-- a role that is renamed keeps its rights, and one that gets its name has none
SELECT numpool_grant('own', 'numpool_user');
SELECT numpool_try_acquire_xact('own');
ALTER ROLE numpool_second RENAME TO numpool_third;
ALTER ROLE numpool_user RENAME TO numpool_client;
CREATE ROLE numpool_second;
CREATE ROLE numpool_user;
SELECT owner FROM numpool_pools WHERE pool = 'own';
SELECT * FROM roles_of;
SET ROLE numpool_second;
SELECT numpool_resize('own', 3);                                      -- 42501
SET ROLE numpool_user;
SELECT numpool_try_acquire('own');                                    -- 42501
SET ROLE numpool_third;
SELECT numpool_resize('own', 3);                                      -- 4
SET ROLE numpool_client;
SELECT numpool_try_acquire_xact('own');                               -- 0
RESET ROLE;
SELECT * FROM roles_of;
-- a grant to who has the former name of a user means the one that has it now
ALTER ROLE numpool_client RENAME TO numpool_customer;
CREATE ROLE numpool_client;
SELECT numpool_grant('own', 'numpool_client');
SELECT * FROM roles_of;
SELECT numpool_revoke('own', 'numpool_client');
SELECT * FROM roles_of;
-- a role that is gone: the extension's owner has the pool, and a new role of the name nothing
ALTER ROLE numpool_third RENAME TO numpool_fourth;
DROP ROLE numpool_fourth, numpool_customer;
CREATE ROLE numpool_fourth;
CREATE ROLE numpool_customer;
SELECT owner = current_user AS extensions_owner FROM numpool_pools WHERE pool = 'own';
SET ROLE numpool_fourth;
SELECT numpool_resize('own', 2);                                      -- 42501
SET ROLE numpool_customer;
SELECT numpool_try_acquire('own');                                    -- 42501
RESET ROLE;
SELECT numpool_resize('own', 2);                                      -- 3
SELECT * FROM roles_of;
SELECT numpool_drop('own');

-- by hand: OIDs that come in are not believed; the default is the extension's owner and everybody
INSERT INTO numpool_definitions (name, size) VALUES ('own_a', 1);
INSERT INTO numpool_definitions (name, size, owner, owner_oid, users, user_oids)
  VALUES ('own_b', 1, 'numpool_team', 10, '{NULL,numpool_team,public,numpool_team}', '{0,10}'),
         ('own_c', 1, NULL, 'numpool_team'::regrole, '{}', '{0}');
SELECT * FROM roles_of;
UPDATE numpool_definitions SET owner_oid = 'numpool_stranger'::regrole, user_oids = '{0}' WHERE name LIKE 'own\__';
UPDATE numpool_definitions SET owner = 'numpool_stranger', users = users || '{numpool_member}' WHERE name = 'own_b';
SELECT * FROM roles_of;
UPDATE numpool_definitions SET owner = 'numpool_none' WHERE name = 'own_a';         -- 42704
UPDATE numpool_definitions SET users = '{numpool_none}' WHERE name = 'own_a';       -- 42704
-- a restore goes on where there is no such role
INSERT INTO numpool_definitions (name, size, owner, users) VALUES ('own_d', 1, 'numpool_none', '{numpool_none,numpool_team}');   -- two warnings
SET session_replication_role = replica;
UPDATE numpool_definitions SET owner = 'numpool_none', users = '{numpool_none}' WHERE name = 'own_b';   -- two warnings
RESET session_replication_role;
SELECT * FROM roles_of;
SET ROLE numpool_team;
SELECT numpool_definition_roles();                                    -- 42501
RESET ROLE;
SELECT numpool_definition_roles();                                    -- 39P01

SELECT numpool_drop(name) FROM numpool_definitions WHERE name LIKE 'own%';
DROP VIEW roles_of;
DROP OWNED BY numpool_owner;
DROP ROLE numpool_owner, numpool_second, numpool_user, numpool_team, numpool_member, numpool_distant, numpool_near,
  numpool_stranger, numpool_client, numpool_fourth, numpool_customer;
