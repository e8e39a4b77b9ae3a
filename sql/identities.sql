-- numpool_create draws a pool's identity from a sequence, but by itself: lastval() stays the user's.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)
\pset format unaligned
\pset tuples_only on

-- the session has no last value yet
\c
SELECT numpool_create('idy_first', 1);                                -- t
SELECT lastval();                                                     -- 55000
SELECT currval('numpool_identity_seq');                               -- 55000
CREATE TEMP SEQUENCE others START 41;
SELECT nextval('others');
SELECT numpool_create('idy_second', 1), numpool_create('idy_second', 1, if_not_exists => true);
SELECT lastval();                                                     -- 41
-- whoever writes the row by hand uses a sequence, as with any serial column
INSERT INTO numpool_definitions (name, size) VALUES ('idy_hand', 1);
SELECT lastval() = (SELECT identity FROM numpool_definitions WHERE name = 'idy_hand') AS by_hand;
SELECT numpool_create('idy_third', 1);
SELECT lastval() = (SELECT identity FROM numpool_definitions WHERE name = 'idy_hand') AS still;

-- both ways go through the same numbers, one by one
SELECT identity - lag(identity) OVER (ORDER BY identity) FROM numpool_definitions WHERE name LIKE 'idy\_%' ORDER BY identity;
SELECT last_value = (SELECT max(identity) FROM numpool_definitions) AS newest, log_cnt, is_called FROM numpool_identity_seq;
-- what is drawn stays drawn
BEGIN;
SELECT numpool_create('idy_fourth', 1);
ROLLBACK;
SELECT numpool_create('idy_fourth', 1);
SELECT identity - (SELECT identity FROM numpool_definitions WHERE name = 'idy_third') FROM numpool_definitions
  WHERE name = 'idy_fourth';                                          -- 2

-- the rules of the sequence hold: another increment, as servers that write to each other have; its limit
SELECT last_value AS before FROM numpool_identity_seq \gset
ALTER SEQUENCE numpool_identity_seq INCREMENT 10;
SELECT numpool_create('idy_ten', 1);
SELECT identity - :before FROM numpool_definitions WHERE name = 'idy_ten';
ALTER SEQUENCE numpool_identity_seq INCREMENT 1;
SELECT setval('numpool_identity_seq', 4294967294);
SELECT numpool_create('idy_largest', 1);                              -- t
SELECT identity FROM numpool_definitions WHERE name = 'idy_largest';
SELECT numpool_create('idy_none', 1);                                 -- 2200H
SELECT numpool_create('idy_largest', 1, if_not_exists => true);       -- f: it draws none
-- as a restored dump leaves it: not yet given
SELECT setval('numpool_identity_seq', :before + 100, false) = :before + 100;
SELECT numpool_create('idy_restored', 1);
SELECT identity - :before FROM numpool_definitions WHERE name = 'idy_restored';
-- from the limit it may begin again, and then passes what is taken
SELECT setval('numpool_identity_seq', 4294967295);
ALTER SEQUENCE numpool_identity_seq CYCLE;
SELECT numpool_create('idy_again', 1);
SELECT identity < :before + 100 FROM numpool_definitions WHERE name = 'idy_again';
ALTER SEQUENCE numpool_identity_seq NO CYCLE;
SELECT setval('numpool_identity_seq', :before + 100) = :before + 100;
-- a read-only transaction draws none
BEGIN READ ONLY;
SELECT numpool_create('idy_read_only', 1);                            -- 25006
ROLLBACK;
BEGIN READ ONLY;
SELECT numpool_create('idy_first', 1, if_not_exists => true);         -- f
ROLLBACK;
SELECT last_value - :before FROM numpool_identity_seq;                -- 100
SELECT bool_and(numpool_drop(name)) FROM numpool_list('idy_') AS name;
