#include "session.h"
#include "system.h"

namespace bench {

void create_schema() {
  Session session;
  session.run("SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS numpool");
  session.run(
      "CREATE TABLE bench_slots (pool text, number int, holder int, PRIMARY KEY (pool, number))");
  session.run("CREATE INDEX ON bench_slots (pool, number) WHERE holder IS NULL");
  // Room on the page for the next version of the row.
  session.run(
      "CREATE TABLE bench_bitmap (id text PRIMARY KEY, used bit varying NOT NULL, "
      "queue varchar(100)[] NOT NULL DEFAULT '{}') WITH (fillfactor = 50)");
  session.run(
      "CREATE FUNCTION bench_sweep(pool int, size int) RETURNS int LANGUAGE plpgsql AS $$ "
      "BEGIN FOR number IN 0..size - 1 LOOP "
      "IF pg_try_advisory_lock(pool, number) THEN RETURN number; END IF; "
      "END LOOP; RETURN NULL; END $$");
}

}  // namespace bench
