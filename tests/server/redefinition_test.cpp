// Calls that meet a pool which was dropped and made anew under the same name: by others while they
// wait, or by their own transaction.
#include <doctest/doctest.h>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

const std::string kDefinitions = "numpool_definitions";

// Starts the statement while another transaction has dropped the pool and made it again, and then
// commits that transaction.
Outcome across_recreation(const Pool& pool, const std::string& create_arguments,
                          const std::string& statement) {
  Session maker, session;
  session.must(try_acquire(pool) + "; SELECT numpool_release_all()");  // knows the old one
  maker.must("BEGIN; " + call("drop", pool) + "; " + call("create", pool, create_arguments));
  session.send(statement);
  REQUIRE(waits_for_lock(session));
  maker.must("COMMIT");
  return session.finish();
}

}  // namespace

TEST_CASE("whoever waited for a drop and create looks again and finds the new pool") {
  Pool pool(1);
  SUBCASE("resize") {
    CHECK(across_recreation(pool, "3", call("resize", pool, "7")).number() == 3);
    CHECK(pool.free() == 7);
  }
  SUBCASE("set_metadata") {
    CHECK(across_recreation(pool, "3", call("set_metadata", pool, "'5'")).ok);
    CHECK(observer().value(call("metadata", pool)) == "5");
  }
  SUBCASE("replace_metadata, of what the new one has") {
    observer().must(call("set_metadata", pool, "'1'"));
    CHECK(across_recreation(pool, "3, '1'", call("replace_metadata", pool, "'1', '2'")).value() ==
          "t");
    CHECK(observer().value(call("metadata", pool)) == "2");
  }
  SUBCASE("replace_metadata, of NULL") {
    CHECK(across_recreation(pool, "3", call("replace_metadata", pool, "NULL, '2'")).value() == "t");
    CHECK(observer().value(call("metadata", pool)) == "2");
  }
  SUBCASE("replace_metadata, of what the new one has not") {
    CHECK(across_recreation(pool, "3, '1'", call("replace_metadata", pool, "NULL, '2'")).value() ==
          "f");
    CHECK(observer().value(call("metadata", pool)) == "1");
  }
  SUBCASE("drop") {
    CHECK(across_recreation(pool, "3", call("drop", pool)).value() == "t");
    CHECK(observer().state(try_acquire(pool)) == "42704");
  }
  SUBCASE("drop if_exists") {
    CHECK(across_recreation(pool, "3", call("drop", pool, "if_exists => true")).value() == "t");
    CHECK(observer().state(try_acquire(pool)) == "42704");
  }
  SUBCASE("create") {
    CHECK(across_recreation(pool, "3", call("create", pool, "3, NULL, true")).value() == "f");
    CHECK(pool.free() == 3);
  }
  SUBCASE("acquire") {
    CHECK(across_recreation(pool, "3", acquire(pool)).number() == 0);
    CHECK(pool.idle_within());
    CHECK(pool.free() == 3);
  }
}

TEST_CASE("a row deleted and put back while somebody waits to change it is there to be changed") {
  Pool pool(2);
  Session maker, session;
  maker.must("CREATE TEMP TABLE saved AS SELECT * FROM " + kDefinitions +
             " WHERE name = " + pool.q());
  maker.must("BEGIN; DELETE FROM " + kDefinitions + " WHERE name = " + pool.q() + "; INSERT INTO " +
             kDefinitions + " SELECT * FROM saved");
  SUBCASE("by a resize") {
    session.send(call("resize", pool, "3"));
  }
  SUBCASE("by a drop") {
    session.send(call("drop", pool));
  }
  REQUIRE(waits_for_lock(session));
  maker.must("COMMIT");
  CHECK(session.finish().ok);
}

TEST_CASE("a name learnt from one's own rolled-back CREATE is forgotten") {
  for (const bool savepoint : {false, true}) {
    CAPTURE(savepoint);
    Session session, other;
    session.must("BEGIN");
    if (savepoint) session.must("SAVEPOINT s");
    session.must("SELECT numpool_create('stale', 9); SELECT numpool_xact_lock('stale')");
    session.must("SELECT numpool_acquire('stale')");
    session.must(savepoint ? "ROLLBACK TO s; COMMIT" : "ROLLBACK");
    CHECK(session.state("SELECT numpool_release('stale', 0)") == "42704");
    CHECK(session.state("SELECT numpool_xact_lock('stale')") == "42704");
    other.must("SELECT numpool_create('stale', 1)");
    CHECK(session.state("SELECT numpool_xact_lock('stale')") == "");
    CHECK(session.state("SELECT numpool_release('stale', 5)") == "22023");
    CHECK(session.value("SELECT numpool_release('stale', 0)") == "f");
    CHECK(session.number("SELECT numpool_acquire('stale')") == 0);
    session.must("SELECT numpool_release_all()");
    other.must("SELECT numpool_drop('stale')");
  }
}

TEST_CASE("xact_lock after a drop and create locks the new pool") {
  Pool pool(1);
  Session a, b, maker;
  a.must(call("xact_lock", pool));  // knows the name
  maker.must(call("drop", pool) + "; " + call("create", pool, "1"));
  a.must("BEGIN; " + call("xact_lock", pool));
  b.send(call("xact_lock", pool));
  CHECK(waits_for_lock(b));
  a.must("COMMIT");
  CHECK(b.finish().ok);
}

TEST_CASE("the rows deleted and put back in one transaction, as a restored copy does") {
  Database database;
  Session session(database.kWhere), other(database.kWhere);
  session.must("SELECT numpool_create('p', 2)");
  other.must("SELECT numpool_acquire('p')");
  session.must("BEGIN; CREATE TEMP TABLE saved AS TABLE " + kDefinitions);
  session.must("DELETE FROM " + kDefinitions);
  session.must("INSERT INTO " + kDefinitions + " TABLE saved");
  session.must("SAVEPOINT s");
  for (const char* function : {"try_acquire", "acquire", "acquire_xact", "enqueue"}) {
    CAPTURE(function);
    const Outcome outcome = session.run("SELECT numpool_" + std::string(function) + "('p')");
    CHECK(outcome.sqlstate == "55000");
    session.must("ROLLBACK TO s");
  }
  SUBCASE("committed: the pool is there, its old leases are not") {
    session.must("COMMIT");
    CHECK(session.number("SELECT numpool_try_acquire('p')") == 0);
    CHECK(other.value("SELECT numpool_release('p', 0)") == "f");
    CHECK(session.number("SELECT in_use FROM numpool_pools") == 1);
  }
  SUBCASE("rolled back: as it was") {
    session.must("ROLLBACK");
    CHECK(session.number("SELECT numpool_try_acquire('p')") == 1);
    CHECK(other.value("SELECT numpool_release('p', 0)") == "t");
  }
}

TEST_CASE("create passes identities that came another way than by the sequence") {
  Database database;
  Session session(database.kWhere);
  session.must(
      "INSERT INTO " + kDefinitions +
      " (name, identity, size) SELECT 'given ' || n, n, 1 FROM generate_series(1, 20) AS n");
  CHECK(session.value("SELECT numpool_create('new', 3)") == "t");
  CHECK(session.number("SELECT identity FROM " + kDefinitions + " WHERE name = 'new'") == 21);
  CHECK(session.number("SELECT numpool_acquire('new')") == 0);
  CHECK(session.state("SELECT numpool_create('given 3', 1)") == "42710");
  CHECK(session.number("SELECT numpool_acquire('given 3')") == 0);
  session.must("SELECT setval('numpool_identity_seq', 5)");
  CHECK(session.value("SELECT numpool_create('newer', 3)") == "t");
  CHECK(session.number("SELECT count(DISTINCT identity) FROM " + kDefinitions) == 22);
}
