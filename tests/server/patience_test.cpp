// How long calls wait for who changes definitions, or locks their table: no longer than they were
// told, and an enqueue not at all.
#include <doctest/doctest.h>

#include "server/calls.h"
#include "server/database.h"

using namespace numpool_test;

namespace {

const std::string kLockTable = "BEGIN; LOCK TABLE numpool_definitions IN ACCESS EXCLUSIVE MODE";

// Whether the statement is over, with this outcome, after `least` and soon then.
void check_takes(Session& session, const std::string& statement, Milliseconds least,
                 const Field& value) {
  const auto start = Clock::now();
  const Outcome outcome = session.run(statement);
  CHECK(outcome.ok);
  CHECK(outcome.value() == value);
  CHECK(Clock::now() - start >= least);
  CHECK(took_at_most(least + 5s, start));
}

}  // namespace

TEST_CASE("an enqueue does not wait for a transaction that is dropping the pool") {
  Pool pool(1), other(1);
  Session dropper, session;
  session.must(try_acquire(pool) + "; SELECT numpool_release_all()");
  SUBCASE("that is loaded") {}
  SUBCASE("that is not") {
    session = Session();
  }
  dropper.must("BEGIN; " + call("drop", pool));
  CHECK(session.run(enqueue(pool)).sqlstate == "55P03");
  CHECK(session.run(enqueue(other)).rows.at(0)[1] == "0");
  SUBCASE("rolled back, it joins") {
    dropper.must("ROLLBACK");
    CHECK(session.run(enqueue(pool)).rows.at(0)[1] == "0");
  }
  SUBCASE("committed, there is no such pool") {
    dropper.must("COMMIT");
    CHECK(session.state(enqueue(pool)) == "42704");
  }
}

TEST_CASE("whoever has to read the definitions waits for a lock of their table as long as told") {
  Pool known(1), fresh(1);
  Session maintainer, session;
  session.must(try_acquire(known) + "; SELECT numpool_release_all()");
  maintainer.must(kLockTable);
  check_takes(session, try_acquire(fresh), 0ms, std::nullopt);
  check_takes(session, acquire(fresh, "0"), 0ms, std::nullopt);
  check_takes(session, acquire(fresh, "300 ms"), 300ms, std::nullopt);
  check_takes(session, acquire_xact(fresh, "300 ms"), 300ms, std::nullopt);
  CHECK(session.run(enqueue(fresh)).sqlstate == "55P03");
  CHECK(session.run("SET lock_timeout = '200 ms'; " + acquire(fresh, "1 min")).sqlstate == "55P03");
  session.must("RESET lock_timeout");
  // What is known and live needs no table.
  check_takes(session, try_acquire(known), 0ms, "0");
  // A limit that is not reached costs nothing, and leaves nothing behind.
  session.send(acquire(fresh, "1 min"));
  REQUIRE(waits_for_lock(session));
  maintainer.must("COMMIT");
  CHECK(session.finish().number() == 0);
  CHECK(observer().number("SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid = " +
                          std::to_string(session.pid())) == 0);
  session.must("BEGIN; SELECT numpool_release_all()");
  maintainer.must(kLockTable);
  // In a transaction, which goes on.
  Session stranger;
  stranger.must("BEGIN");
  CHECK_FALSE(stranger.value(acquire(fresh, "100 ms")).has_value());
  CHECK(stranger.value("SELECT 1") == "1");
  stranger.must("COMMIT");
  maintainer.must("COMMIT");
  session.must("COMMIT");
}

TEST_CASE("a lock of the definitions keeps nobody from what he is releasing") {
  Pool pool(2), stranger(1);
  Session maintainer, session;
  session.must(try_acquire(pool));
  session.must("BEGIN");
  session.must(release(pool, 0));
  // What the session remembers of names is not certain any more.
  maintainer.must("SELECT numpool_drop(" + stranger.q() + ")");
  maintainer.must(kLockTable);
  SUBCASE("try") {
    check_takes(session, try_acquire(pool), 0ms, "0");
  }
  SUBCASE("acquire") {
    check_takes(session, acquire(pool), 0ms, "0");
  }
  SUBCASE("acquire for some time") {
    check_takes(session, acquire(pool, "5 s"), 0ms, "0");
  }
  SUBCASE("enqueue") {
    CHECK(session.run(enqueue(pool)).rows.at(0)[1] == "0");
  }
  session.must("COMMIT");
  maintainer.must("COMMIT");
  CHECK(session.number("SELECT in_use FROM numpool_pools WHERE pool = " + pool.q()) == 1);
}

TEST_CASE("numpool_pools does not wait for a lock of the definitions' table") {
  Pool known(3), fresh(1);
  Session maintainer, session;
  session.must(try_acquire(known));
  maintainer.must(kLockTable);
  const std::string view = "SELECT in_use, size, metadata FROM numpool_pools WHERE pool = ";
  Session viewer;
  const Outcome shown = viewer.run(view + known.q());
  REQUIRE(shown.rows.size() == 1);
  CHECK(shown.rows[0][0] == "1");
  CHECK(shown.rows[0][1] == "3");
  CHECK(viewer.run(view + fresh.q()).rows.empty());
  maintainer.must("COMMIT");
  CHECK(viewer.run(view + fresh.q()).rows.size() == 1);
}

TEST_CASE("VACUUM does not lock the definitions' table to cut off its end") {
  Pool kept(1);
  Session session;
  const auto all = [&](const std::string& verb, const std::string& rest) {
    return "SELECT numpool_" + verb + "('" + kept.name() + "_' || i" + rest +
           ") FROM generate_series(1, 400) AS i";
  };
  session.must(all("create", ", 1"));
  const std::string pages = "SELECT pg_relation_size('numpool_definitions')";
  const auto before = session.number(pages);
  session.must(all("drop", ""));
  session.must("VACUUM numpool_definitions");
  CHECK(session.number(pages) == before);
}
