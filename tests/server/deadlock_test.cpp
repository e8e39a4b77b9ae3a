// P14: sessions that wait for each other in a circle are found, whatever they wait for; nobody else
// is told.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "server/deadlock_scene.h"

using namespace numpool_test;

namespace {

// The one that is told, of those whose statements have been sent; the others go on waiting or end.
Session* victim_among(std::vector<Session*> parties, Outcome* outcome) {
  Session* victim = nullptr;
  eventually(
      [&] {
        for (Session* party : parties) {
          if (victim != nullptr || !party->done()) continue;
          *outcome = party->finish();
          victim = party;
        }
        return victim != nullptr;
      },
      kSoon);
  REQUIRE(victim != nullptr);
  return victim;
}

}  // namespace

TEST_CASE("deadlock: two pools crosswise; the younger wait is ended") {
  DeadlockScene scene;
  CrosswisePair pair;
  auto& [one, two] = pair;
  pair.wait_crosswise(scene);
  ends_in_deadlock(two, one);
  CHECK_FALSE(one.done_within(kLong));
  CHECK(scene.counted("a") == 1);
  CHECK(scene.counted("b") == 0);
  // It has kept its number, as any error does; once it is given back, the other goes on.
  two.must("SELECT numpool_release_all()");
  CHECK(one.finish().number() == 0);
}

TEST_CASE("deadlock: CREATE INDEX CONCURRENTLY by the holder") {
  DeadlockScene scene;
  HolderAndWaiter both(scene);
  auto& [holder, waiter] = both;
  holder.send("CREATE INDEX CONCURRENTLY i ON t (n)");
  ends_in_deadlock(waiter, holder);
  CHECK(holder.finish().ok);
}

TEST_CASE("deadlock: REINDEX CONCURRENTLY by a third session") {
  DeadlockScene scene;
  HolderAndWaiter both(scene);
  auto& [holder, waiter] = both;
  Party third;
  third.send("REINDEX TABLE CONCURRENTLY t");
  REQUIRE(waits_for_lock(third));
  CHECK_FALSE(waiter.done_within(kLong));  // not yet a circle: the holder is awake
  holder.send("ALTER TABLE t ADD COLUMN m int");
  ends_in_deadlock(waiter, holder);
  CHECK(holder.finish().ok);
  CHECK(third.finish().ok);
}

TEST_CASE("deadlock: the making of a replication slot by the holder") {
  DeadlockScene scene;
  Party holder, waiter;
  REQUIRE(holder.value("SHOW wal_level") == "logical");
  holder.must(take("a"));
  waiter.must("BEGIN; UPDATE t SET n = 1 WHERE id = 1");
  waiter.send(take("a"));
  REQUIRE(waits_in_queue(scene.witness, waiter));
  holder.send("SELECT pg_create_logical_replication_slot('numpool_test', 'test_decoding')");
  ends_in_deadlock(waiter, holder);
  waiter.must("ROLLBACK");
  CHECK(holder.finish().ok);
  holder.must("SELECT pg_drop_replication_slot('numpool_test')");
}

TEST_CASE("deadlock: a number and a row lock crosswise") {
  DeadlockScene scene;
  Party one, two;
  one.must("BEGIN");
  one.must(take("a"));
  two.must("BEGIN; UPDATE t SET n = 1 WHERE id = 1");
  SUBCASE("the lock closes the circle") {
    two.send(take("a"));
    REQUIRE(waits_in_queue(scene.witness, two));
    one.send("UPDATE t SET n = 2 WHERE id = 1");
  }
  SUBCASE("the number closes it") {
    one.send("UPDATE t SET n = 2 WHERE id = 1");
    REQUIRE(waits_for_lock(one));
    two.send(take("a"));
  }
  ends_in_deadlock(two, one);
  two.must("ROLLBACK");
  CHECK(one.finish().ok);
}

TEST_CASE("deadlock: a number and an advisory lock, with one ahead in the lock's queue") {
  DeadlockScene scene;
  Party reader, writer, sleeper;
  sleeper.must("SELECT pg_advisory_lock_shared(1)");
  reader.must(take("a"));
  writer.send("SELECT pg_advisory_lock(1)");
  REQUIRE(waits_for_lock(writer));
  // It does not conflict with who holds it, only with who is ahead.
  reader.send("SELECT pg_advisory_lock_shared(1)");
  REQUIRE(waits_for_lock(reader));
  sleeper.send(take("a"));
  ends_in_deadlock(sleeper, reader);
  sleeper.must("SELECT pg_advisory_unlock_shared(1)");
  CHECK(writer.finish().ok);
  writer.must("SELECT pg_advisory_unlock(1)");
  CHECK(reader.finish().ok);
}

TEST_CASE("deadlock: three pools") {
  DeadlockScene scene;
  Party one, two, three;
  one.must(take("a"));
  two.must(take("b"));
  three.must(take("c"));
  one.send(take("b"));
  REQUIRE(waits_in_queue(scene.witness, one));
  two.send(take("c"));
  REQUIRE(waits_in_queue(scene.witness, two));
  three.send(take("a"));
  REQUIRE(three.done_within(kSoon));
  const Outcome outcome = three.finish();
  CHECK(outcome.sqlstate == "40P01");
  // A line for each wait of the circle, the victim's first.
  CHECK(std::count(outcome.detail.begin(), outcome.detail.end(), '\n') == 2);
  CHECK(outcome.detail.find("Process " + std::to_string(three.pid()) +
                            " waits for a number of pool \"a\"; number 0 is held by " +
                            pid_of(one)) == 0);
  CHECK_FALSE(one.done());
  CHECK_FALSE(two.done());
  three.must("SELECT numpool_release_all()");
  CHECK(two.finish().number() == 0);
}

TEST_CASE("deadlock: a pool of two needs both of its holders in it") {
  DeadlockScene scene;
  Party one, two, three;
  one.must(take("two"));
  two.must(take("two"));
  three.must(take("a"));
  three.send(take("two"));
  REQUIRE(waits_in_queue(scene.witness, three));
  one.send(take("a"));
  // The other is awake, and may give its number back.
  CHECK_FALSE(one.done_within(kLong));
  CHECK_FALSE(three.done());
  two.send(take("a"));
  Outcome outcome;
  Session* first = victim_among({&one, &two, &three}, &outcome);
  CHECK(first == &two);
  CHECK(outcome.sqlstate == "40P01");
  two.must("SELECT numpool_release_all()");
  CHECK(three.finish().number().has_value());
}

TEST_CASE("deadlock: idle readers beside are neither victims nor in the way of one") {
  DeadlockScene scene;
  Party reader;
  reader.must("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t");
  HolderAndWaiter both(scene);
  auto& [holder, waiter] = both;
  holder.send("CREATE INDEX CONCURRENTLY i ON t (n)");
  // The reader may be what it waits for first; either way nobody is told who need not be.
  waiter.done_within(kLong);
  if (waiter.done())
    CHECK(waiter.finish().sqlstate == "40P01");
  else
    reader.must("COMMIT"), ends_in_deadlock(waiter, holder);
  CHECK(reader.run("SELECT 1").ok);
  reader.run("COMMIT");
  CHECK(holder.finish().ok);
}

TEST_CASE("deadlock: who waits for an idle transaction is told nothing") {
  DeadlockScene scene;
  Party idle;
  idle.must("BEGIN; UPDATE t SET n = 1 WHERE id = 1");
  HolderAndWaiter both(scene);
  auto& [holder, waiter] = both;
  holder.send("UPDATE t SET n = 2 WHERE id = 1");
  CHECK_FALSE(waiter.done_within(kLong));
  CHECK_FALSE(holder.done());
  idle.must("COMMIT");
  CHECK(holder.finish().ok);
  holder.must("SELECT numpool_release_all()");
  CHECK(waiter.finish().number() == 0);
  CHECK(scene.all_counted() == 0);
}

TEST_CASE("deadlock: newcomers behind one are never told") {
  DeadlockScene scene;
  CrosswisePair pair;
  Party& one = pair.one;
  Party& two = pair.two;
  pair.wait_crosswise(scene);
  REQUIRE(eventually([&] {
    return two.done() || scene.witness.number("SELECT count(*) FROM numpool_waiters") == 2;
  }));
  std::vector<std::unique_ptr<Party>> newcomers;
  const auto end = Clock::now() + kSoon;
  while (!two.done_within(20ms) && !one.done() && Clock::now() < end && newcomers.size() < 40) {
    newcomers.push_back(std::make_unique<Party>());
    newcomers.back()->send(take(newcomers.size() % 2 == 0 ? "a" : "b"));
  }
  Outcome outcome;
  CHECK(victim_among({&one, &two}, &outcome) == &two);
  CHECK(outcome.sqlstate == "40P01");
  CHECK_FALSE(one.done_within(kLong));
  for (const auto& newcomer : newcomers) CHECK_FALSE(newcomer->done());
  two.must("SELECT numpool_release_all()");
  CHECK(one.finish().number() == 0);
  CHECK(scene.all_counted() == 1);
}

TEST_CASE("deadlock: a wait with a timeout of its own is part of none") {
  DeadlockScene scene;
  CrosswisePair pair;
  auto& [one, two] = pair;
  one.send("SELECT numpool_acquire('b', '1 s')");
  two.send(take("a"));
  REQUIRE(one.done_within(kSoon));
  CHECK_FALSE(one.finish().value().has_value());  // NULL
  CHECK_FALSE(two.done());
  one.must("SELECT numpool_release_all()");
  CHECK(two.finish().number() == 0);
  CHECK(scene.all_counted() == 0);
}

TEST_CASE("deadlock: statement_timeout and lock_timeout do not keep one from being found") {
  DeadlockScene scene;
  CrosswisePair pair;
  auto& [one, two] = pair;
  for (Party* party : {&one, &two})
    party->must("SET statement_timeout = '1 min'; SET lock_timeout = '1 min'");
  pair.wait_crosswise(scene);
  Outcome outcome;
  victim_among({&one, &two}, &outcome);
  CHECK(outcome.sqlstate == "40P01");
}

TEST_CASE("deadlock: circles over tickets are not found") {
  DeadlockScene scene;
  CrosswisePair pair;
  auto& [one, two] = pair;
  one.must("SELECT * FROM numpool_enqueue('b')");
  two.send(take("a"));
  CHECK_FALSE(two.done_within(kLong));
  one.must("SELECT numpool_release_all()");
  CHECK(two.finish().number() == 0);
}

TEST_CASE("deadlock: several at once, each its victim") {
  DeadlockScene scene;
  scene.witness.must("SELECT count(numpool_create('p' || i, 1)) FROM generate_series(1, 20) AS i");
  std::vector<std::unique_ptr<Party>> parties;
  for (int i = 1; i <= 20; ++i) {
    parties.push_back(std::make_unique<Party>());
    parties.back()->must(take(("p" + std::to_string(i)).c_str()));
  }
  // 1 with 2, 3 with 4, ...
  for (int i = 0; i < 20; ++i) parties[i]->send(take(("p" + std::to_string((i ^ 1) + 1)).c_str()));
  for (int i = 0; i < 20; i += 2) {
    Outcome outcome;
    Session* victim = victim_among({parties[i].get(), parties[i + 1].get()}, &outcome);
    CHECK(outcome.sqlstate == "40P01");
    victim->must("SELECT numpool_release_all()");
  }
  for (const auto& party : parties) CHECK(eventually([&] { return party->done(); }, kSoon));
  CHECK(scene.all_counted() == 10);
}

TEST_CASE("deadlock: a parallel worker that sleeps for a lock is its leader's") {
  DeadlockScene scene;
  Party leader, sleeper;
  scene.witness.must("CREATE TABLE locked (i int)");
  scene.witness.must(
      "CREATE FUNCTION reads_locked(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS "
      "$$ BEGIN RETURN count(*) FROM locked; END $$");
  scene.witness.must("CREATE TABLE big AS SELECT i FROM generate_series(1, 100000) AS i");
  sleeper.must("BEGIN; LOCK TABLE locked");
  leader.must(take("a"));
  leader.must(
      "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size "
      "= 0; SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2");
  leader.send("SELECT sum(reads_locked(i)) FROM big");
  REQUIRE(eventually([&] {
    return scene.witness.number(
               "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
               "'parallel worker' AND wait_event_type = 'Lock'") != 0;
  }));
  sleeper.send(take("a"));
  ends_in_deadlock(sleeper, leader);
  sleeper.must("ROLLBACK");
  leader.cancel();
  leader.finish();
}

TEST_CASE("numpool_blocking tells whom a sleeper waits for") {
  DeadlockScene scene;
  Party one, two, ahead, waiter;
  const auto blocking = [&](const Session& session) {
    return scene.witness
        .value("SELECT array_to_string(numpool_blocking(" + std::to_string(session.pid()) +
               "), ' ')")
        .value();
  };
  one.must(take("two"));
  two.must(take("two"));
  CHECK(blocking(one) == "");
  ahead.send(take("two"));
  REQUIRE(waits_in_queue(scene.witness, ahead));
  waiter.send("SELECT numpool_acquire('two', '1 h')");
  REQUIRE(waits_in_queue(scene.witness, waiter));
  std::vector<int> expected = {one.pid(), two.pid(), ahead.pid()};
  std::sort(expected.begin(), expected.end());
  CHECK(blocking(waiter) == std::to_string(expected[0]) + " " + std::to_string(expected[1]) + " " +
                                std::to_string(expected[2]));
  expected = {one.pid(), two.pid()};
  std::sort(expected.begin(), expected.end());
  CHECK(blocking(ahead) == std::to_string(expected[0]) + " " + std::to_string(expected[1]));
  CHECK(scene.witness.value("SELECT numpool_blocking(0)") == "{}");
  CHECK(scene.witness.state("SELECT numpool_blocking(NULL)") == "22004");
  one.must("SELECT numpool_release_all()");
  CHECK(ahead.finish().ok);
}
