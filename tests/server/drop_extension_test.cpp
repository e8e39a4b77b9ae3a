// DROP EXTENSION waits for nobody and hangs nobody up. In a database of its own.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

struct DatabaseWithPools : Database {
  DatabaseWithPools() {
    Session(kWhere).must(
        "SELECT numpool_create('a', 1), numpool_create('b', 1), numpool_create('c', 1)");
  }
};

}  // namespace

TEST_CASE("DROP EXTENSION with leases and waiters works at once; made again, it starts clean") {
  DatabaseWithPools database;
  Session holder(database.kWhere), waiter(database.kWhere), impatient(database.kWhere),
      ticket(database.kWhere), dropper(database.kWhere);
  holder.must("SELECT numpool_acquire('a')");
  waiter.send("SELECT numpool_acquire('a')");
  REQUIRE(waits_in_queue(dropper, waiter));
  impatient.send("SELECT numpool_acquire('a', '" + stretched_interval(1500ms) + "')");
  REQUIRE(waits_in_queue(dropper, impatient));
  ticket.must("SELECT numpool_enqueue('a')");

  const auto start = Clock::now();
  REQUIRE(dropper.run("DROP EXTENSION numpool").ok);
  CHECK(took_at_most(1s, start));
  // The waiter is told at its timeout, by an error and not by the NULL of an ordinary timeout.
  CHECK(impatient.finish().sqlstate == "42704");

  dropper.must("CREATE EXTENSION numpool");
  CHECK(dropper.number("SELECT count(*) FROM numpool_list()") == 0);
  dropper.must("SELECT numpool_create('a', 1)");
  CHECK(dropper.number("SELECT free FROM numpool_pools WHERE pool = 'a'") == 1);
  CHECK(dropper.number("SELECT count(*) FROM numpool_leases") == 0);
  CHECK(dropper.number("SELECT count(*) FROM numpool_waiters") == 0);
  CHECK(dropper.number("SELECT numpool_acquire('a')") == 0);
  CHECK(holder.value("SELECT numpool_release('a', 0)") == "f");
  CHECK(dropper.number("SELECT in_use FROM numpool_pools") == 1);

  // When the old holder ends, the old waiter's turn comes, and it learns that its pool is gone.
  holder.close();
  CHECK(waiter.finish().sqlstate == "42704");
  ticket.must("SELECT 1");
  CHECK(dropper.number("SELECT in_use FROM numpool_pools") == 1);
}

TEST_CASE("a second pool taken while DROP EXTENSION runs and others sleep: no deadlock") {
  DatabaseWithPools database;
  Session holder(database.kWhere), sleeper(database.kWhere), dropper(database.kWhere);
  holder.must("SELECT numpool_acquire('a')");
  sleeper.send("SELECT numpool_acquire('a')");
  REQUIRE(waits_in_queue(dropper, sleeper));
  dropper.must("BEGIN");
  REQUIRE(dropper.run("DROP EXTENSION numpool").ok);
  // This session has not used the pool yet, so it has to read the definition, and that has to wait.
  holder.send("SELECT numpool_acquire('b')");
  CHECK_FALSE(holder.done_within(100ms));

  SUBCASE("committed: nobody hangs") {
    dropper.must("COMMIT");
    const Outcome outcome = holder.finish();
    CHECK((outcome.sqlstate == "42704" || outcome.sqlstate == "42883"));
    holder.close();
    CHECK(sleeper.finish().sqlstate == "42704");
  }
  SUBCASE("rolled back: all goes on") {
    dropper.must("ROLLBACK");
    CHECK(holder.finish().number() == 0);
    holder.must("SELECT numpool_release('a', 0)");
    CHECK(sleeper.finish().number() == 0);
  }
}

TEST_CASE("what takes no heavyweight lock goes through while DROP EXTENSION is open") {
  DatabaseWithPools database;
  Session holder(database.kWhere), sleeper(database.kWhere), ticket(database.kWhere),
      dropper(database.kWhere);
  holder.must("SELECT numpool_acquire('a'), numpool_acquire('b')");
  sleeper.send("SELECT numpool_acquire('a')");
  REQUIRE(waits_in_queue(dropper, sleeper));
  const std::string number = *ticket.value("SELECT ticket FROM numpool_enqueue('b')");
  dropper.must("BEGIN; DROP EXTENSION numpool");
  CHECK(holder.run("SELECT numpool_fence('a', 0)").number().has_value());
  CHECK(holder.run("SELECT numpool_release('a', 0)").value() == "t");
  CHECK(sleeper.finish().number() == 0);
  CHECK(ticket.run("SELECT state FROM numpool_poll(" + number + ")").value() == "waiting");
  CHECK(ticket.run("SELECT numpool_cancel(" + number + ")").value() == "t");
  CHECK(holder.run("SELECT numpool_release_all()").number() == 1);
  dropper.must("ROLLBACK");
  CHECK(holder.number("SELECT in_use FROM numpool_pools WHERE pool = 'a'") == 1);
}

TEST_CASE("a waiter holds no heavyweight lock but its transaction's own") {
  DatabaseWithPools database;
  Session holder(database.kWhere), waiter(database.kWhere), maintainer(database.kWhere);
  holder.must("SELECT numpool_acquire('a')");
  waiter.send("SELECT numpool_acquire('a')");
  REQUIRE(waits_in_queue(maintainer, waiter));
  CHECK(
      maintainer.number("SELECT count(*) FROM pg_locks WHERE locktype <> 'virtualxid' AND pid = " +
                        std::to_string(waiter.pid())) == 0);
  const std::string table = *maintainer.value(
      "SELECT c::regclass FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'numpool' AND "
      "EXISTS (SELECT FROM pg_class WHERE oid = c AND relkind = 'r')");
  CHECK(maintainer.run("VACUUM FULL " + table).ok);
  CHECK(maintainer.run("ALTER TABLE " + table + " SET (fillfactor = 90)").ok);
  // A number is taken while somebody locks the table for a long time: a pool that is loaded needs
  // no table.
  maintainer.must("BEGIN; LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE");
  CHECK(holder.run("SELECT numpool_release('a', 0)").value() == "t");
  CHECK(waiter.finish().number() == 0);
  holder.send("SELECT numpool_acquire('b')");
  CHECK(waits_for_lock(holder));
  maintainer.must("COMMIT");
  CHECK(holder.finish().number() == 0);
}

TEST_CASE("DROP EXTENSION in a transaction that has leases, and its rollback") {
  DatabaseWithPools database;
  Session session(database.kWhere);
  session.must("SELECT numpool_acquire('a')");
  session.must("BEGIN; SELECT numpool_acquire('b'); SELECT numpool_release('a', 0)");
  session.must("DROP EXTENSION numpool; ROLLBACK");
  CHECK(session.number("SELECT in_use FROM numpool_pools WHERE pool = 'a'") == 1);
  CHECK(session.number("SELECT in_use FROM numpool_pools WHERE pool = 'b'") == 0);
  session.must("BEGIN; SELECT numpool_acquire('b'); SELECT numpool_release('a', 0)");
  session.must("DROP EXTENSION numpool; CREATE EXTENSION numpool");
  session.must("SELECT numpool_create('a', 1)");
  CHECK(session.number("SELECT numpool_acquire('a')") == 0);
  session.must("COMMIT");
  CHECK(session.number("SELECT in_use FROM numpool_pools") == 1);
}

TEST_CASE("DROP DATABASE with leases in it, and one of the same name after it") {
  auto database = std::make_unique<DatabaseWithPools>();
  auto holder = std::make_unique<Session>(database->kWhere);
  holder->must("SELECT numpool_acquire('a')");
  holder->close();
  database.reset();
  database = std::make_unique<DatabaseWithPools>();
  Session session(database->kWhere);
  CHECK(session.number("SELECT in_use FROM numpool_pools WHERE pool = 'a'") == 0);
  CHECK(session.number("SELECT numpool_acquire('a')") == 0);
}

namespace {

// What a ticket's client is told: the payload without its ticket's number.
std::string told(Session& session, std::int64_t ticket) {
  for (const Notification& notification : session.await_notifications()) {
    const std::string begin = "{\"ticket\":" + std::to_string(ticket) + ",";
    if (notification.payload.rfind(begin, 0) == 0) return notification.payload.substr(begin.size());
  }
  return "nothing";
}

// Whether a holder is told that its lease of number 0 of pool a is over.
bool told_of_its_lease(Session& session) {
  for (const Notification& notification : session.await_notifications())
    if (notification.payload.find("\"pool\":\"a\",\"index\":0,") != std::string::npos &&
        notification.payload.find("\"error\":\"dropped\"") != std::string::npos)
      return true;
  return false;
}

}  // namespace

TEST_CASE("tickets and leases of a dropped extension are over, and their clients are told") {
  DatabaseWithPools database;
  Session holder(database.kWhere), waiter(database.kWhere), dropper(database.kWhere);
  const std::string ticket_of_a = "SELECT ticket FROM numpool_enqueue('a')";
  holder.must(ticket_of_a);
  const std::int64_t ticket = *waiter.number(ticket_of_a);
  dropper.must("DROP EXTENSION numpool");

  SUBCASE("when the old holder leaves") {
    holder.close();
    CHECK(told(waiter, ticket) == "\"pool\":\"a\",\"error\":\"dropped\"}");
  }
  SUBCASE("when the extension is made again and used") {
    dropper.must("CREATE EXTENSION numpool");
    dropper.must("SELECT numpool_create('a', 1)");
    CHECK(dropper.number("SELECT numpool_acquire('a')") == 0);
    CHECK(told(waiter, ticket) == "\"pool\":\"a\",\"error\":\"dropped\"}");
    CHECK(told_of_its_lease(holder));
    holder.close();
    CHECK(waiter.value("SELECT state FROM numpool_poll(" + std::to_string(ticket) + ")") == "gone");
    CHECK(dropper.number("SELECT in_use FROM numpool_pools") == 1);
  }
  SUBCASE("when a dump is restored over it") {
    dropper.must("BEGIN; CREATE EXTENSION numpool; SELECT numpool_create('a', 1); COMMIT");
    CHECK(waiter.value("SELECT state FROM numpool_poll(" + std::to_string(ticket) + ")") ==
          "dropped");
    CHECK(waiter.value("SELECT numpool_try_acquire('a')") == "0");
  }
}

TEST_CASE("a database made under the OID of a dropped one starts clean") {
  const std::string as_template = "SELECT numpool_create('a', 2)";
  observer().run("DROP DATABASE IF EXISTS numpool_test_template");
  observer().must("CREATE DATABASE numpool_test_template");
  {
    Session maker("dbname=numpool_test_template");
    maker.must("CREATE EXTENSION numpool");
    maker.must(as_template);
  }
  // The second database has the same OID, and from the template the same table and pool.
  for (int round = 0; round < 2; ++round) {
    observer().must(
        "CREATE DATABASE numpool_test_database TEMPLATE numpool_test_template OID 60000");
    Session session("dbname=numpool_test_database");
    CHECK(session.number("SELECT numpool_acquire('a') + numpool_acquire('a')") == 1);
    CHECK_FALSE(session.value("SELECT numpool_try_acquire('a')").has_value());
    CHECK(session.number("SELECT size FROM numpool_pools") == 2);
    session.must("SELECT numpool_resize('a', 5)");
    CHECK(session.number("SELECT numpool_acquire('a')") == 2);
    session.close();
    observer().must("DROP DATABASE numpool_test_database WITH (FORCE)");
  }
  observer().must("DROP DATABASE numpool_test_template");
}

TEST_CASE("many sessions come to a new extension at once") {
  DatabaseWithPools database;
  Session maker(database.kWhere), locker(database.kWhere);
  maker.must("DROP EXTENSION numpool");
  maker.must("CREATE EXTENSION numpool");
  // The first of them looks for timed leases, and the others wait for it.
  locker.must("BEGIN");
  locker.must("LOCK TABLE numpool_timed IN ACCESS EXCLUSIVE MODE");
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 8; ++i) {
    sessions.push_back(std::make_unique<Session>(database.kWhere));
    sessions.back()->send("SELECT numpool_release_all()");
  }
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
  CHECK(eventually([&] { return maker.number(waiting) == 8; }));
  locker.must("COMMIT");
  for (const auto& session : sessions) CHECK(session->finish().ok);
}

TEST_CASE("who has waited for the lock of loading with a timeout has it no longer than needed") {
  DatabaseWithPools database;
  Session maker(database.kWhere), locker(database.kWhere);
  maker.must("DROP EXTENSION numpool");
  // In one transaction: whoever has made the extension does not look for timed leases.
  maker.must("BEGIN; CREATE EXTENSION numpool; SELECT numpool_create('p', 8); COMMIT");
  locker.must("BEGIN");
  locker.must("LOCK TABLE numpool_timed IN ACCESS EXCLUSIVE MODE");
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 8; ++i) {
    sessions.push_back(std::make_unique<Session>(database.kWhere));
    sessions.back()->must("BEGIN");
    sessions.back()->send("SELECT numpool_acquire('p', '1 h')");
  }
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
  CHECK(eventually([&] { return maker.number(waiting) == 8; }));
  locker.must("COMMIT");
  for (const auto& session : sessions) CHECK(session->finish().ok);
  CHECK(maker.number(
            "SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND locktype = 'object'") ==
        0);
}
