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
-- what psql shows as their description: each function, table, view, sequence and column has one
SELECT pg_describe_object(d.classid, d.objid, coalesce(a.attnum, 0)) AS without_a_comment
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'numpool'
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  LEFT JOIN LATERAL (SELECT attnum FROM pg_attribute
                      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind IN ('r', 'v')
                      UNION ALL SELECT 0) AS a ON true
 WHERE d.deptype = 'e' AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
   AND NOT EXISTS (SELECT 1 FROM pg_description m WHERE m.classoid = d.classid AND m.objoid = d.objid
                      AND m.objsubid = coalesce(a.attnum, 0))
 ORDER BY 1;
LOAD 'numpool';
SELECT name, setting, unit, context, boot_val FROM pg_settings WHERE name LIKE 'numpool.%' AND context <> 'superuser' ORDER BY name;
SHOW numpool.shared_memory_size;
