// Drives a pool with tokens in it and the naive model of that with the same random operations, and
// compares them: what backend/token_lease.cpp, token_calls.cpp, token_uses.cpp, token_row.cpp and
// entry/clerk.cpp do under a pool's lock.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "naive_timed_pool.h"
#include "pool_fixture.h"

namespace numpool_test {

class TimedRun {
 public:
  TimedRun(std::uint32_t size, std::uint32_t most_tokens, std::uint32_t ttl_ticks,
           std::uint64_t seed);

  // One random operation on both, and the comparison. False if they differ; then `problem` says
  // how.
  bool step();
  // Drops the pool, and compares what is left of it: nothing.
  bool drop();
  const std::string& problem() const { return problem_; }

  // What a run must have met; a run that has not has shown little.
  struct Seen {
    std::uint64_t held, kept, picked_up, put_back, expired, places_over, offers_over, late_timers,
        nearer, renewed, released, taken_back, forgotten, resizes, above, sleepers_granted, batches;
  };
  const Seen& seen() const { return seen_; }

 private:
  using Id = std::uint64_t;
  // A lease of a session, or its wait for one.
  struct Tag {
    numpool::SessionId session;
    numpool::Waiter* waiter;  // while it waits
    std::uint32_t index;      // while it has a number
    Id token;                 // that the number is taken for; 0: for none
    bool picked_up;
  };

  void operate();
  void arrive();
  void come_anew(Id id);
  void end_one_tag();
  void come_back(Id id);
  void come_to_place(Id id);
  void pick_up(Id id);
  void finish_taking(std::uint64_t tag);
  void release_token(Id id);
  void begin_keeping();
  void sweep();
  void resize();
  void run_clerk();
  void renew(Id id);

  void release_number(std::uint32_t index);
  void forget_tag(std::uint64_t tag);
  numpool::TimedRecord& make_record(Id* id);
  void end_token(Id id);

  // On the pool's list, the first first.
  std::vector<numpool::TimedRecord*> over_by_now();
  void take_grants();
  void take_ended();
  void compare();
  void compare_token(Id id);

  numpool::Region region() { return real_.region; }
  numpool::TimedRecord& record(Id id) { return *records_.at(id); }
  NaiveToken& token(Id id) { return model_.tokens.at(id); }
  numpool::Claim claim(std::uint64_t tag) {
    return {tags_.at(tag).session, tag, numpool::Scope::kTransaction};
  }
  std::uint32_t below(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  numpool::SessionId any_session() { return 1 + below(9); }
  std::int64_t any_ttl();
  // A token of the model in that state, or 0.
  Id any_token(numpool::TimedState state);
  // A session's lease, or wait; 0: none.
  std::uint64_t any_tag();
  void differ(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }

  std::uint32_t most_tokens_;
  std::uint32_t ttl_ticks_;  // a step takes one, or more
  std::mt19937_64 random_;
  PoolFixture real_;
  NaiveTimedPool model_;
  std::map<Id, numpool::TimedRecord*> records_;  // of all that are in the model or left
  std::map<std::uint64_t, Tag> tags_;
  std::vector<numpool::SessionId> expected_wakes_;
  std::vector<numpool::SessionId> wakes_;
  Id next_id_ = 1;
  std::uint64_t next_tag_ = 1;
  std::string problem_;
  Seen seen_{};
};

}  // namespace numpool_test
