-- What the extension puts into the catalogs: an upgrade must arrive at the same.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS numpool;
RESET client_min_messages;
\set VERBOSITY sqlstate
\pset null (null)

SELECT p.oid::regprocedure AS function, pg_get_function_result(p.oid) AS result, p.provolatile AS vol, p.proparallel AS par,
       p.proisstrict AS strict, p.prosecdef AS definer, p.proleakproof AS leakproof
  FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'numpool'
 ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT p.proname, pg_get_function_arguments(p.oid) AS arguments
  FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'numpool'
 ORDER BY p.oid::regprocedure::text COLLATE "C";
-- not relocatable, no schema of its own, configuration tables dumped
SELECT extversion, extrelocatable, cardinality(extconfig) AS dumped FROM pg_extension WHERE extname = 'numpool';
SELECT c.relkind, count(*) FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass
   AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'numpool'
 GROUP BY 1 ORDER BY 1;
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
       (SELECT collname FROM pg_collation k WHERE k.oid = a.attcollation) AS collation
  FROM pg_extension e, unnest(e.extconfig) AS t JOIN pg_class c ON c.oid = t AND c.relkind = 'r'
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE e.extname = 'numpool' ORDER BY a.attnum;
-- triggers fire for replication apply too ('A' is ENABLE ALWAYS)
SELECT tgenabled, tgtype FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
 WHERE NOT tgisinternal AND c.relname LIKE 'numpool%' ORDER BY tgtype;
LOAD 'numpool';
SELECT name, setting, unit, context, boot_val FROM pg_settings WHERE name LIKE 'numpool.%' AND context <> 'superuser' ORDER BY name;
SHOW numpool.shared_memory_size;
