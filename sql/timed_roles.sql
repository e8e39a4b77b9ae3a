-- Who may use a token, and who sees it: who has the privileges of the role that took it, or of the
-- extension's owner.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
\set t1 '''00000000-0000-0000-0000-000000000001'''
\set t2 '''00000000-0000-0000-0000-000000000002'''
\set t3 '''00000000-0000-0000-0000-000000000003'''
CREATE ROLE numpool_taker;
CREATE ROLE numpool_member IN ROLE numpool_taker;
CREATE ROLE numpool_outsider;
SELECT numpool_create('token', 2);

-- EXECUTE on what writes is not for everybody
SET ROLE numpool_outsider;
SELECT numpool_lease('token', '1 h');                                 -- 42501
SELECT numpool_keep('token', 0, '1 h');                               -- 42501
SELECT * FROM numpool_renew(:t1);                                     -- nothing
SELECT numpool_release(:t1::uuid);                                    -- f, warning
SELECT count(*) FROM numpool_timed;                                   -- 42501
RESET ROLE;
GRANT EXECUTE ON FUNCTION numpool_lease(text, interval, uuid, interval, text),
  numpool_keep(text, int, interval, uuid, text) TO numpool_taker, numpool_outsider;

SET ROLE numpool_taker;
SELECT index FROM numpool_lease('token', '1 h', :t1);                 -- 0
SELECT token, usename, scope FROM numpool_leases WHERE pool = 'token';
SET ROLE numpool_outsider;
SELECT token, usename, scope FROM numpool_leases WHERE pool = 'token';   -- null
SELECT numpool_lease('token', '1 h', :t1, '0');                       -- 42501
SELECT numpool_renew(:t1);                                            -- 42501
SELECT numpool_release(:t1::uuid);                                    -- 42501
SELECT numpool_acquire('token');                                      -- 1
SELECT numpool_keep('token', 1, '1 h', :t1);                          -- 42501
SELECT index, lasts IS NOT NULL AS place FROM numpool_lease('token', '1 h', :t2, '0') AS l(t, index, f, lasts);
SET ROLE numpool_taker;
SELECT "position", kind, usename, token FROM numpool_waiters WHERE pool = 'token';   -- null
SELECT numpool_lease('token', '1 h', :t2, '0');                       -- 42501
SELECT numpool_renew(:t2);                                            -- 42501
SELECT numpool_release(:t2::uuid);                                    -- 42501
-- a member of the role
SET ROLE numpool_member;
SELECT token, usename FROM numpool_leases WHERE pool = 'token' AND scope = 'timed';
SELECT ttl FROM numpool_renew(:t1);
SELECT numpool_release(:t1::uuid);                                    -- t
-- the extension's owner; what was offered is of the role that has the place
RESET ROLE;
SELECT index, state, usename, token FROM numpool_leases WHERE pool = 'token' AND scope = 'timed';
SELECT index FROM numpool_lease('token', '1 h', :t2, '0');            -- 0
SELECT usename FROM numpool_leases WHERE pool = 'token' AND scope = 'timed';   -- the outsider
SELECT numpool_release(:t2::uuid);                                    -- t
SELECT numpool_release_all();                                         -- 1
-- in a function of its owner's rights the lease is the definer's
CREATE FUNCTION lease_as_definer(uuid) RETURNS int LANGUAGE sql SECURITY DEFINER AS
  $$SELECT index FROM numpool_lease('token', '1 h', $1, '0')$$;
GRANT EXECUTE ON FUNCTION lease_as_definer(uuid) TO numpool_outsider;
SET ROLE numpool_outsider;
SELECT lease_as_definer(:t3);                                         -- 0
SELECT numpool_renew(:t3);                                            -- 42501
RESET ROLE;
SELECT usename = current_user AS definers FROM numpool_leases WHERE pool = 'token';
SELECT numpool_release(:t3::uuid);                                    -- t
-- a role that is gone
SET ROLE numpool_outsider;
SELECT index FROM numpool_lease('token', '1 h', :t1);                 -- 0
RESET ROLE;
DROP FUNCTION lease_as_definer(uuid);
DROP OWNED BY numpool_outsider;
DROP ROLE numpool_outsider;
SELECT usename LIKE 'unknown%' AS unknown, token FROM numpool_leases WHERE pool = 'token';
SET ROLE numpool_taker;
SELECT numpool_release(:t1::uuid);                                    -- 42501
RESET ROLE;
SELECT numpool_release(:t1::uuid);                                    -- t

-- holder: control characters are escaped, as they are in application_name
SELECT index FROM numpool_lease('token', '1 h', :t1, NULL, E'who\n\twhere\x7f');
SELECT holder FROM numpool_leases WHERE pool = 'token';
SELECT index FROM numpool_lease('token', '1 h', :t2, NULL, repeat('x', 64));
SELECT length(holder) FROM numpool_leases WHERE pool = 'token' AND index = 1;   -- 64
SELECT numpool_release(:t1::uuid), numpool_release(:t2::uuid);
SELECT index FROM numpool_lease('token', '1 h', :t1, NULL, '');
SELECT holder FROM numpool_leases WHERE pool = 'token';               -- null
SELECT numpool_release(:t1::uuid);

DROP OWNED BY numpool_taker, numpool_member;
DROP ROLE numpool_taker, numpool_member;
SELECT numpool_drop('token');
