// What tests of deadlocks begin with.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "server/calls.h"
#include "server/database.h"

namespace numpool_test {

// Within which a victim is told: two deadlock_timeouts, and room for a busy machine.
constexpr auto kSoon = 10s;
// What is not found in this time is not found.
constexpr auto kLong = 700ms;

struct Party : Session {
  Party() : Session(Database::kWhere) { must("SET deadlock_timeout = '100ms'"); }
};

inline std::string take(const char* pool) {
  return "SELECT numpool_acquire('" + std::string(pool) + "')";
}

// A database with pools a, b and c of one number and a table with two rows.
struct DeadlockScene : Database {
  DeadlockScene() : witness(kWhere) {
    witness.must("SELECT numpool_create('a', 1), numpool_create('b', 1), numpool_create('c', 1)");
    witness.must("SELECT numpool_create('two', 2)");
    witness.must("CREATE TABLE t AS SELECT i AS id, 0 AS n FROM generate_series(1, 2) AS i");
    witness.must("ALTER TABLE t ADD PRIMARY KEY (id)");
  }
  std::int64_t counted(const std::string& pool) {
    return witness.number("SELECT deadlocks FROM numpool_pools WHERE pool = '" + pool + "'")
        .value();
  }
  std::int64_t all_counted() {
    return witness.number("SELECT sum(deadlocks) FROM numpool_pools").value();
  }
  Session witness;
};

// One has the number of pool a, the other that of b.
struct CrosswisePair {
  CrosswisePair() {
    one.must(take("a"));
    two.must(take("b"));
  }
  // Each wants the other's; two is the younger in its queue.
  void wait_crosswise(DeadlockScene& scene) {
    one.send(take("b"));
    REQUIRE(waits_in_queue(scene.witness, one));
    two.send(take("a"));
  }
  Party one, two;
};

// One has the number of pool a, another sleeps for it.
struct HolderAndWaiter {
  explicit HolderAndWaiter(DeadlockScene& scene) {
    holder.must(take("a"));
    waiter.send(take("a"));
    REQUIRE(waits_in_queue(scene.witness, waiter));
  }
  Party holder, waiter;
};

inline std::string pid_of(const Session& session) {
  return "process " + std::to_string(session.pid());
}

inline void ends_in_deadlock(Session& victim, const Session& other) {
  REQUIRE(victim.done_within(kSoon));
  const Outcome outcome = victim.finish();
  CHECK(outcome.sqlstate == "40P01");
  CHECK(outcome.message == "deadlock detected");
  CHECK(outcome.detail.find(pid_of(other)) != std::string::npos);
}

}  // namespace numpool_test
