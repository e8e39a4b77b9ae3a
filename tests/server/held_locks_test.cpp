// P13: a session that sleeps in a queue holds no heavyweight lock behind which DROP EXTENSION, and
// with it everybody else, could queue. A wait that would hold one is refused.
#include <doctest/doctest.h>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

// The relations that the backend holds a lock on, and whether it has a transaction id.
std::string locks_of(Session& witness, const Session& session) {
  return witness
      .value(
          "SELECT coalesce(string_agg(coalesce(relation::regclass::text, locktype), ' '), '') FROM "
          "pg_locks WHERE locktype <> 'virtualxid' AND pid = " +
          std::to_string(session.pid()))
      .value();
}

struct FullPool : Database {
  FullPool() : holder(kWhere), witness(kWhere) {
    holder.must("SELECT numpool_create('full', 1, '1'), numpool_create('free', 2)");
    holder.must("SELECT numpool_acquire('full')");
  }
  Session holder, witness;
};

const std::string kAcquire = "SELECT numpool_acquire('full')";

}  // namespace

TEST_CASE("a call that touched the definitions without changing a row forbids to wait: 55000") {
  FullPool database;
  Session session(database.kWhere);
  session.must("BEGIN");
  SUBCASE("replace_metadata that does not match") {
    CHECK(session.value("SELECT numpool_replace_metadata('full', '7', '8')") == "f");
    CHECK(session.state(kAcquire) == "55000");
  }
  SUBCASE("resize of a pool that is not there, in a savepoint that stays") {
    session.must("SAVEPOINT s");
    CHECK(session.value("SELECT numpool_drop('none', if_exists => true)") == "f");
    session.must("RELEASE s");
    CHECK(session.state(kAcquire) == "55000");
  }
  SUBCASE("drop of a pool that is not there") {
    CHECK(session.value("SELECT numpool_drop('none', if_exists => true)") == "f");
    CHECK(session.state("SELECT numpool_enqueue('full')") == "55000");
  }
  SUBCASE("undone with its savepoint, the locks are gone as well") {
    session.must("SAVEPOINT s; SELECT numpool_replace_metadata('full', '7', '8'); ROLLBACK TO s");
    session.send(kAcquire);
    REQUIRE(waits_in_queue(database.witness, session));
    CHECK(locks_of(database.witness, session) == "");
    database.holder.must("SELECT numpool_release('full', 0)");
    CHECK(session.finish().number() == 0);
  }
  session.must("ROLLBACK");
  CHECK(locks_of(database.witness, session) == "");
}

TEST_CASE("a create that finds the pool made by another meanwhile forbids to wait: 55000") {
  FullPool database;
  Session other(database.kWhere), session(database.kWhere);
  other.must("BEGIN; SELECT numpool_create('new', 1)");
  session.must("BEGIN");
  session.send("SELECT numpool_create('new', 1, NULL, true)");
  REQUIRE(waits_for_lock(session));
  other.must("COMMIT");
  REQUIRE(session.finish().value() == "f");
  CHECK(session.state(kAcquire) == "55000");
  session.must("ROLLBACK");
}

TEST_CASE("who has taken a block of fences and then sleeps holds no lock on their sequence") {
  // The first arrival of a new extension takes a block of fences.
  FullPool database;
  Session first(database.kWhere), session(database.kWhere);
  database.holder.must("DROP EXTENSION numpool; CREATE EXTENSION numpool");
  database.holder.must("SELECT numpool_create('full', 1), numpool_create('free', 2)");
  SUBCASE("in the same transaction") {
    session.must("BEGIN; SELECT numpool_acquire('full')");
  }
  SUBCASE("in a savepoint") {
    session.must("BEGIN; SAVEPOINT s; SELECT numpool_acquire('full'); RELEASE s");
  }
  SUBCASE("in a savepoint that is rolled back") {
    session.must("BEGIN; SAVEPOINT s; SELECT numpool_acquire('full'); ROLLBACK TO s");
    session.must("SELECT numpool_acquire('full')");
  }
  SUBCASE("in a READ ONLY transaction") {
    session.must("BEGIN READ ONLY; SELECT numpool_acquire('full')");
  }
  CHECK(database.witness.number("SELECT count(*) FROM pg_locks WHERE relation = "
                                "'numpool_fence_seq'::regclass AND pid = " +
                                std::to_string(session.pid())) == 0);
  session.must("SELECT numpool_acquire('free')");
  database.holder.must("SELECT numpool_acquire('free')");
  session.send("SELECT numpool_acquire('free')");
  REQUIRE(waits_in_queue(database.witness, session));
  CHECK(locks_of(database.witness, session).find("numpool") == std::string::npos);
  // These wait for nobody:
  CHECK(database.witness.run("DROP EXTENSION numpool").ok);
  database.holder.close();
  CHECK(session.finish().sqlstate == "42704");
}
