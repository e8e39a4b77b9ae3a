// Drives a pool and the naive model of it with the same random operations, and compares them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/lease_end.h"
#include "naive_pool.h"
#include "pool_fixture.h"

namespace numpool_test {

struct ModelOptions {
  std::uint32_t size;                // at first
  std::vector<std::uint32_t> sizes;  // that resizes choose from
  std::uint32_t sessions;
  std::uint32_t most_waiters;
  std::uint32_t full_check_every;  // steps
  std::uint64_t seed;
};

class ModelRun {
 public:
  explicit ModelRun(const ModelOptions& options);

  // One random operation on both, and the comparison. False if they differ; then `problem` says
  // how.
  bool step();

  const std::string& problem() const { return problem_; }

  // What a run must have met; a run that has not has shown little.
  struct Seen {
    std::uint64_t grants, handoffs, left_queue, left_after_grant, condemned, resizes, long_services,
        rested, rests_ended, served_after_rest, long_dismissals, retired, collected, ended, forced,
        services;
  };
  const Seen& seen() const { return seen_; }

 private:
  // A place in the queue, kept until its session has taken note of how it ended.
  struct Wait {
    Ask ask;
    numpool::Waiter* record;
    std::uint64_t joined;  // the how-manieth join it was
    enum { kQueued, kGranted, kDropped, kVictim } state;
    std::uint32_t index;
  };
  struct Session {
    numpool::Waiter* blocking;   // its one record
    std::uint64_t blocking_tag;  // of the wait that uses it, else 0
    numpool::Inbox* inbox;
    std::deque<std::uint64_t> told;  // tags of tickets in the inbox, oldest first
  };

  void operate();
  void ask();
  void join(const Ask& ask);
  void release_one();
  void withdraw_one();
  void condemn_one();
  void take_note(numpool::SessionId session);
  void resize();
  void set_service();
  void configure();
  void end_due();
  void drop();
  void end_session(numpool::SessionId session);

  void release(std::uint32_t index, numpool::EndKind end);
  void end_by_force(std::uint32_t index);
  void withdraw(std::uint64_t tag, numpool::Leave why);
  void collect_inbox(numpool::SessionId session);
  void forget(std::uint64_t tag);
  void serve();

  void expect_grants(const std::vector<NaiveGrant>& grants);
  void expect_wakes(const std::vector<Ask>& asks);
  void compare_slot(std::uint32_t index);
  void compare_all();

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  Session& session(numpool::SessionId id) { return sessions_[id - 1]; }
  numpool::SessionId any_session() { return 1 + below(options_.sessions); }
  void differ(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }

  ModelOptions options_;
  std::mt19937_64 random_;
  PoolFixture real_;
  NaivePool model_;
  std::vector<Session> sessions_;
  std::map<std::uint64_t, Wait> waits_;  // by tag
  std::vector<std::int64_t> fences_;     // of each index' lease
  std::int64_t last_fence_ = 0;
  std::uint64_t next_tag_ = 1;
  std::uint64_t joins_ = 0;
  std::uint64_t last_handed_ = 0;  // the join that was granted last
  std::uint64_t steps_ = 0;
  std::uint32_t eagerness_ = 8;  // to ask rather than release, of 16
  std::string problem_;
  Seen seen_{};
};

}  // namespace numpool_test
