// What is said of a deadlock, and what a check for them leaves alone.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/deadlock_scene.h"
#include "server/server_log.h"

using namespace numpool_test;

namespace {

// Of the checks that a session has made, by what the server tells it.
int checks = 0;
void count_check(void*, const char* message) {
  checks += std::string(message).find("numpool: check of") != std::string::npos ? 1 : 0;
}

}  // namespace

TEST_CASE("deadlock: the log has all that is tied up in it, and the statistics count it") {
  DeadlockScene scene;
  const ServerLog log;
  const std::string counter =
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
  CrosswisePair pair;
  auto& [one, two] = pair;
  pair.wait_crosswise(scene);
  ends_in_deadlock(two, one);
  const std::string ended =
      "deadlock of 2 processes over numpool: the wait of " + pid_of(two) + " is ended";
  REQUIRE(eventually([&] { return log.count(ended) == 1; }));
  const std::string first = std::to_string(one.pid()), second = std::to_string(two.pid());
  for (const std::string& part :
       {"Process " + second + " waits for a number of pool \"a\"; number 0 is held by process " +
            first,
        "Process " + first + " waits for a number of pool \"b\"; process " + second + " holds 1",
        "Process " + first + ": " + take("b"), "Process " + second + ": " + take("a")})
    CHECK_MESSAGE(log.count(part) >= 1, part, " is missing in ", log.text());
  two.must("SELECT pg_stat_force_next_flush()");
  CHECK(eventually([&] { return scene.witness.number(counter) == 1; }));
  CHECK(scene.all_counted() == 1);
}

TEST_CASE("deadlock: over two databases, whose pools have no name for each other's sessions") {
  DeadlockScene scene;
  Pool elsewhere(1);
  const auto quick = [](Session& session) { session.must("SET deadlock_timeout = '100ms'"); };
  const std::string lock = "LOCK TABLE pg_catalog.", one = "pg_shdescription",
                    other = "pg_replication_origin";
  Party sleeper, holder;
  Session far_sleeper, far_holder;
  quick(far_sleeper);
  quick(far_holder);
  far_sleeper.must("BEGIN; " + lock + other);
  sleeper.must("BEGIN; " + lock + one);
  holder.must(take("a"));
  far_holder.must(acquire(elsewhere));
  far_sleeper.send(acquire(elsewhere));
  REQUIRE(eventually([&] { return elsewhere.waiting() == 1; }));
  holder.send("BEGIN; " + lock + other);
  REQUIRE(waits_for_lock(holder));
  far_holder.send("BEGIN; " + lock + one);
  REQUIRE(waits_for_lock(far_holder));
  sleeper.send(take("a"));
  REQUIRE(sleeper.done_within(kSoon));
  const Outcome outcome = sleeper.finish();
  CHECK(outcome.sqlstate == "40P01");
  const std::string oid =
      observer().value("SELECT oid FROM pg_database WHERE datname = current_database()").value();
  CHECK(outcome.detail.find("pool \"a\"") != std::string::npos);
  CHECK(outcome.detail.find("a number of a pool of database " + oid + "; number 0 is held by " +
                            pid_of(far_holder)) != std::string::npos);
  sleeper.must("ROLLBACK");
  CHECK(far_holder.finish().ok);
  far_holder.must("ROLLBACK; SELECT numpool_release_all()");
  CHECK(far_sleeper.finish().ok);
  far_sleeper.must("ROLLBACK; SELECT numpool_release_all()");
  CHECK(holder.finish().ok);
}

TEST_CASE("deadlock: one session checks for all, once in about a deadlock_timeout") {
  DeadlockScene scene;
  Party holder;
  holder.must(take("a"));
  checks = 0;
  std::vector<std::unique_ptr<Party>> sleepers;
  for (int i = 0; i < 20; ++i) {
    sleepers.push_back(std::make_unique<Party>());
    sleepers.back()->must("SET client_min_messages = debug1");
    PQsetNoticeProcessor(sleepers.back()->handle(), count_check, nullptr);
  }
  const auto start = Clock::now();
  for (const auto& sleeper : sleepers) sleeper->send(take("a"));
  eventually(
      [&] {
        for (const auto& sleeper : sleepers) sleeper->done();
        return Clock::now() - start > 2s;
      },
      10s);
  const auto time = std::chrono::duration_cast<Milliseconds>(Clock::now() - start).count();
  CHECK(checks >= 1);
  CHECK(checks <= time / 90 + 1);
  for (const auto& sleeper : sleepers) sleeper->sever();
}

TEST_CASE("deadlock: with too many waits to look at none is found, and the log says so once") {
  DeadlockScene scene;
  const ServerLog log;
  // Each waits for all that are ahead of it: more than 10,000 together.
  constexpr int kMany = 150;
  scene.witness.must("SELECT numpool_create('many', " + std::to_string(kMany) + ")");
  Party keeper, sleeper;
  keeper.must("SELECT pg_advisory_lock(1)");
  std::vector<std::unique_ptr<Party>> crowd;
  for (int i = 0; i < kMany; ++i) {
    crowd.push_back(std::make_unique<Party>());
    crowd.back()->must("SET deadlock_timeout = '1h'; " + take("many"));
    crowd.back()->send("SELECT pg_advisory_xact_lock(1)");
  }
  sleeper.send(take("many"));
  REQUIRE(waits_in_queue(scene.witness, sleeper));
  CrosswisePair pair;
  auto& [one, two] = pair;
  pair.wait_crosswise(scene);
  const std::string says = "numpool does not look for deadlocks while";
  CHECK(eventually([&] { return log.count(says) == 1; }, kSoon));
  CHECK_FALSE(two.done_within(kLong));
  CHECK(log.count(says) == 1);
  keeper.must("SELECT pg_advisory_unlock(1)");
  ends_in_deadlock(two, one);
  sleeper.sever();
}
