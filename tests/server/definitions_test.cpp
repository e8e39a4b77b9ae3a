// Definitions changed under sleepers, by the functions and by a superuser's own DML.
#include <doctest/doctest.h>

#include "server/calls.h"

using namespace numpool_test;

namespace {

const std::string& table() {
  static const std::string name = *observer().value(
      "SELECT c::regclass FROM pg_extension, unnest(extconfig) AS c WHERE extname = 'numpool' AND "
      "EXISTS (SELECT FROM pg_class WHERE oid = c AND relkind = 'r')");
  return name;
}

std::string update(const Pool& pool, const std::string& change) {
  return "UPDATE " + table() + " SET " + change + " WHERE name = " + pool.q();
}

std::string erase(const Pool& pool) {
  return "DELETE FROM " + table() + " WHERE name = " + pool.q();
}

}  // namespace

TEST_CASE("UPDATE and DELETE by a superuser, with sleepers, as origin and as replica") {
  for (const char* role : {"origin", "replica"}) {
    CAPTURE(role);
    Pool pool(1);
    Session holder, first, second, third, admin;
    admin.must("SET session_replication_role = " + std::string(role));
    holder.must(acquire(pool));
    wait_in_queue(first, pool, 1);
    wait_in_queue(second, pool, 2);
    wait_in_queue(third, pool, 3);
    admin.must("BEGIN; " + update(pool, "size = 2"));
    CHECK_FALSE(first.done_within(50ms));
    admin.must("COMMIT");
    CHECK(first.finish().number() == 1);
    CHECK_FALSE(second.done_within(50ms));
    // A rename disturbs nobody in the queue.
    admin.must(update(pool, "name = name || ' renamed'"));
    admin.must("UPDATE " + table() + " SET name = " + pool.q() + " WHERE name = " + pool.q() +
               " || ' renamed'");
    holder.must(release(pool, 0));
    CHECK(second.finish().number() == 0);
    admin.must("BEGIN; " + erase(pool));
    CHECK_FALSE(third.done_within(50ms));
    admin.must("COMMIT");
    CHECK(third.finish().sqlstate == "42704");
    CHECK(first.state(try_acquire(pool)) == "42704");
  }
}

TEST_CASE("a drop of a pool that is not loaded holds arrivals, and gives it back when undone") {
  Pool pool(2);
  Session admin, other;
  admin.must("BEGIN; SAVEPOINT s; SELECT numpool_drop(" + pool.q() + ")");
  CHECK_FALSE(other.number(try_acquire(pool)));
  other.send(acquire(pool));
  CHECK_FALSE(other.done_within(50ms));
  CHECK(observer().number("SELECT size FROM numpool_pools WHERE pool = " + pool.q()) == 2);
  admin.must("ROLLBACK TO s");
  CHECK(other.finish().number() == 0);
  CHECK(admin.number(try_acquire(pool)) == 1);
  admin.must("COMMIT");
  CHECK(pool.in_use() == 2);

  Pool gone(2);
  admin.must("BEGIN; SELECT numpool_drop(" + gone.q() + ")");
  other.send(acquire(gone));
  CHECK_FALSE(other.done_within(50ms));
  admin.must("COMMIT");
  CHECK(other.finish().sqlstate == "42704");
}

TEST_CASE("a function in RETURNING does not load a row that may be rolled back") {
  Pool pool(2);
  Session admin, other;
  admin.must("CREATE FUNCTION pg_temp.taken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN " +
             std::string("(SELECT * FROM (") + try_acquire(pool) + ") AS t); END $$");
  CHECK(admin.state(update(pool, "size = 5") + " RETURNING pg_temp.taken()") == "55000");
  CHECK(admin.state(erase(pool) + " RETURNING pg_temp.taken()") == "42704");
  CHECK(other.number("SELECT size FROM numpool_pools WHERE pool = " + pool.q()) == 2);

  // Its own row can be loaded once the trigger has noted it, whatever has been undone since.
  admin.must("BEGIN; " + update(pool, "metadata = '1'") + "; SAVEPOINT s; " +
             update(pool, "metadata = '2'") + "; ROLLBACK TO s");
  CHECK(admin.number(try_acquire(pool)) == 0);
  CHECK(other.number(try_acquire(pool)) == 1);
  admin.must("ROLLBACK");
  CHECK(other.number(try_acquire(pool)) == 0);
  CHECK_FALSE(other.number(try_acquire(pool)).has_value());
}

TEST_CASE("a row deleted and put back: its leases end at COMMIT, and stay on any rollback") {
  for (const char* end :
       {"ROLLBACK", "ROLLBACK TO s; ROLLBACK", "ROLLBACK TO s; COMMIT", "COMMIT"}) {
    CAPTURE(end);
    Pool pool(2);
    Session admin, holder, other;
    holder.must(acquire(pool));
    admin.must("CREATE TEMP TABLE saved AS SELECT * FROM " + table() + " WHERE name = " + pool.q());
    admin.must("BEGIN; " + erase(pool) + "; SAVEPOINT s; INSERT INTO " + table() +
               " SELECT * FROM saved");
    CHECK(admin.state(try_acquire(pool)) == "55000");
    admin.must(std::string("ROLLBACK TO s; INSERT INTO ") + table() + " SELECT * FROM saved; " +
               end);
    const bool kept =
        std::string(end) == "ROLLBACK" || std::string(end) == "ROLLBACK TO s; ROLLBACK";
    const bool deleted = std::string(end) == "ROLLBACK TO s; COMMIT";
    CHECK(other.state(try_acquire(pool)) == (deleted ? "42704" : ""));
    if (deleted) continue;
    CHECK(observer().number("SELECT count(*) FROM numpool_leases WHERE pool = " + pool.q()) ==
          (kept ? 2 : 1));
  }
}

TEST_CASE(
    "a row deleted and put back, deleted again and that undone: arrivals wait, and do not spin") {
  Pool pool(1);
  Session admin, other;
  admin.must("CREATE TEMP TABLE saved AS SELECT * FROM " + table() + " WHERE name = " + pool.q());
  admin.must("BEGIN; " + erase(pool) + "; INSERT INTO " + table() +
             " SELECT * FROM saved; SAVEPOINT s; " + erase(pool) + "; ROLLBACK TO s");
  other.send(acquire(pool));
  CHECK(eventually([&] {
    return observer().number(
               "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = "
               "'transactionid' AND pid = " +
               std::to_string(other.pid())) == 1;
  }));
  admin.must("COMMIT");
  CHECK(other.finish().number() == 0);
}

TEST_CASE("a pending release of a pool that was deleted and put back takes back nothing of it") {
  Pool pool(2);
  Session admin, session;
  session.must(acquire(pool));
  session.must("BEGIN; " + release(pool, 0));
  admin.must("CREATE TEMP TABLE saved AS SELECT * FROM " + table() + " WHERE name = " + pool.q());
  admin.must("BEGIN; " + erase(pool) + "; INSERT INTO " + table() + " SELECT * FROM saved; COMMIT");
  CHECK(session.number(acquire(pool)) == 0);
  CHECK(session.number(acquire(pool)) == 1);
  CHECK(session.value(release(pool, 0)) == "t");
  CHECK(session.number(acquire(pool)) == 0);
  CHECK(session.state(acquire(pool)) == "40P01");
  session.must("ROLLBACK");
  CHECK(pool.idle_within());
}

TEST_CASE("nothing is taken back in a pool that one's own transaction deleted and put back") {
  Pool pool(2);
  Session session;
  session.must(acquire(pool));
  session.must("CREATE TEMP TABLE saved AS SELECT * FROM " + table() + " WHERE name = " + pool.q());
  session.must("BEGIN; " + release(pool, 0) + "; SAVEPOINT s; " + erase(pool) + "; INSERT INTO " +
               table() + " SELECT * FROM saved; SAVEPOINT t");
  CHECK(session.state(try_acquire(pool)) == "55000");
  session.must("ROLLBACK TO s");
  CHECK(session.number(try_acquire(pool)) == 0);
  session.must("COMMIT");
  CHECK(session.value(release(pool, 0)) == "t");
}

TEST_CASE("changes reach live pools in the order in which they committed") {
  // The second resize waits for the first one's transaction. 100 rounds with both ends racing.
  Pool pool(5);
  Session a, b, waiter;
  observer().must(acquire(pool));
  for (int round = 0; round < 100; round++) {
    CAPTURE(round);
    a.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", " + std::to_string(10 + round) + ")");
    b.send("SELECT numpool_resize(" + pool.q() + ", " + std::to_string(1000 + round) + ")");
    CHECK_FALSE(b.done_within(1ms));
    a.must("COMMIT");
    REQUIRE(b.finish().number() == 10 + round);
    REQUIRE(pool.free() == 999 + round);
    REQUIRE(observer().number("SELECT size FROM " + table() + " WHERE name = " + pool.q()) ==
            1000 + round);
  }
  observer().must("SELECT numpool_release_all()");
}

TEST_CASE("a second resize does not overtake the first one's COMMIT callback") {
  // The first transaction's row is visible already, but its callback is still busy handing out
  // thousands of numbers of another pool. A second resize that comes just then has to wait for it.
  constexpr int kTickets = 20000;
  Pool pool(5), crowded(1);
  Session a, b, queue;
  observer().must(acquire(pool));  // loads it
  queue.must("SET numpool.max_tickets_per_session = " + std::to_string(kTickets));
  int hits = 0;
  for (int round = 0; round < 5; round++) {
    CAPTURE(round);
    queue.must(acquire(crowded));
    queue.must("SELECT count(numpool_enqueue(" + crowded.q() + ")) FROM generate_series(1, " +
               std::to_string(kTickets) + ")");
    REQUIRE(observer().number("SELECT waiting FROM numpool_pools WHERE pool = " + crowded.q()) ==
            kTickets);
    const int first = 100 + round, second = 1000 + round;
    a.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", " + std::to_string(first) +
           "); SELECT numpool_resize(" + crowded.q() + ", " + std::to_string(kTickets) + ")");
    a.send("COMMIT");
    const std::string size = "SELECT size FROM " + table() + " WHERE name = " + pool.q();
    REQUIRE(eventually([&] { return observer().number(size) == first; }, kDeadline, 0ms));
    hits += a.done() ? 0 : 1;  // the row is visible, and the callback still runs
    REQUIRE(b.number("SELECT numpool_resize(" + pool.q() + ", " + std::to_string(second) + ")") ==
            first);
    a.finish();
    REQUIRE(pool.free() == second - 1);
    queue.must("SELECT numpool_release_all()");
    a.must("SELECT numpool_resize(" + crowded.q() + ", 1)");
  }
  CHECK(hits > 0);
  observer().must("SELECT numpool_release_all()");
}

TEST_CASE("two creates at once: one creates, the other sees it") {
  for (int round = 0; round < 20; round++) {
    CAPTURE(round);
    const std::string name = "'both " + std::to_string(round) + "'";
    Session a, b, c;
    a.must("BEGIN");
    CHECK(a.value("SELECT numpool_create(" + name + ", 3, NULL, true)") == "t");
    b.send("SELECT numpool_create(" + name + ", 3, NULL, true)");
    c.send("SELECT numpool_create(" + name + ", 4, NULL, true)");
    CHECK_FALSE(b.done_within(5ms));
    if (round % 2 == 0) {
      a.must("COMMIT");
      CHECK(b.finish().value() == "f");
      CHECK(c.finish().sqlstate == "42710");
    } else {
      a.must("ROLLBACK");
      const Outcome of_b = b.finish(), of_c = c.finish();
      CHECK((of_b.ok != of_c.ok));
      CHECK(((of_b.ok ? of_c : of_b).sqlstate == "42710"));
    }
    observer().must("SELECT numpool_drop(" + name + ")");
  }
}

TEST_CASE("a pool made by an open transaction is nobody else's, and all its own") {
  Session maker, other;
  maker.must("BEGIN; SELECT numpool_create('own pool', 2)");
  CHECK(other.state("SELECT numpool_try_acquire('own pool')") == "42704");
  CHECK(maker.number("SELECT numpool_acquire('own pool')") == 0);
  SUBCASE("committed") {
    maker.must("COMMIT");
    CHECK(other.number("SELECT numpool_acquire('own pool')") == 1);
    CHECK(maker.number("SELECT numpool_fence('own pool', 0)").has_value());
    observer().must("SELECT numpool_drop('own pool', true)");
  }
  SUBCASE("rolled back") {
    maker.must("ROLLBACK");
    CHECK(other.state("SELECT numpool_try_acquire('own pool')") == "42704");
    CHECK(maker.number("SELECT numpool_release_all()") == 0);
  }
}

TEST_CASE("a row deleted and put back, and that rolled back, leaves the leases alone") {
  Pool pool(1);
  Session holder, restorer, other;
  REQUIRE(holder.number(acquire(pool)) == 0);
  restorer.must("BEGIN");
  restorer.must("CREATE TEMP TABLE saved AS SELECT * FROM numpool_definitions WHERE name = " +
                pool.q());
  restorer.must("SAVEPOINT before");
  restorer.must("DELETE FROM numpool_definitions WHERE name = " + pool.q());
  restorer.must("INSERT INTO numpool_definitions SELECT * FROM saved");
  SUBCASE("to a savepoint") {
    restorer.must("ROLLBACK TO before");
    CHECK_FALSE(other.number("SELECT numpool_try_acquire(" + pool.q() + ")").has_value());
    restorer.must("COMMIT");
    CHECK(holder.value(release(pool, 0)) == "t");
  }
  SUBCASE("as a whole") {
    restorer.must("ROLLBACK");
    CHECK_FALSE(other.number("SELECT numpool_try_acquire(" + pool.q() + ")").has_value());
    CHECK(holder.value(release(pool, 0)) == "t");
  }
  SUBCASE("but a commit ends them, as that of a drop does") {
    restorer.must("COMMIT");
    CHECK(other.number("SELECT numpool_try_acquire(" + pool.q() + ")") == 0);
    CHECK(holder.value(release(pool, 0)) == "f");
  }
}

TEST_CASE("a session in REPEATABLE READ uses the newest definition") {
  Pool pool(1);
  Session old_snapshot;
  old_snapshot.must("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
  observer().must("SELECT numpool_resize(" + pool.q() + ", 2)");
  CHECK(old_snapshot.number(acquire(pool)) == 0);
  CHECK(old_snapshot.number(acquire(pool)) == 1);
  observer().must("SELECT numpool_create('later pool', 1)");
  CHECK(old_snapshot.number("SELECT numpool_acquire('later pool')") == 0);
  old_snapshot.must("COMMIT");
  observer().must("SELECT numpool_drop('later pool', true)");
}

TEST_CASE("a session that has cached a name meets the pool that has it now") {
  Pool pool(1);
  Session cached;
  for (int round = 0; round < 50; round++) {
    CAPTURE(round);
    REQUIRE(cached.number(acquire(pool)) == 0);
    observer().must("SELECT numpool_drop(" + pool.q() + ", true), numpool_create(" + pool.q() +
                    ", 1)");
    REQUIRE(cached.value(release(pool, 0)) == "f");
  }
  observer().must("SELECT numpool_drop(" + pool.q() + ")");
  CHECK(cached.state(acquire(pool)) == "42704");
  observer().must("SELECT numpool_create(" + pool.q() + ", 1)");
  CHECK(cached.number(acquire(pool)) == 0);
}

TEST_CASE("a resize against the first use of the pool, both ways round") {
  // The pool is not loaded when the race begins: loading meets the change.
  Session definer, user;
  for (int round = 0; round < 100; round++) {
    CAPTURE(round);
    Pool pool(1, "fresh");
    definer.send("SELECT numpool_resize(" + pool.q() + ", 3)");
    user.send("SELECT count(numpool_try_acquire(" + pool.q() + ")) FROM generate_series(1, 3)");
    REQUIRE(definer.finish().number() == 1);
    const auto taken = user.finish().number();
    REQUIRE((*taken >= 1 && *taken <= 3));
    REQUIRE(pool.in_use() == *taken);
    REQUIRE(pool.free() == 3 - *taken);
    user.must("SELECT numpool_release_all()");
  }
}

TEST_CASE("metadata replaced at once by two: the same value is fine, another is refused") {
  Pool pool(1);
  Session a, b, c;
  a.must("BEGIN");
  CHECK(a.value(call("replace_metadata", pool, "NULL, '1'")) == "t");
  b.send(call("replace_metadata", pool, "NULL, '1'"));
  c.send(call("replace_metadata", pool, "NULL, '2'"));
  CHECK_FALSE(b.done_within(50ms));
  a.must("COMMIT");
  CHECK(b.finish().value() == "t");
  CHECK(c.finish().value() == "f");
}
