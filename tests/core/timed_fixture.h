// A pool with tokens in it, as their tests want them.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>

#include "core/timed_lease.h"
#include "pool_fixture.h"

namespace numpool_test {

using namespace numpool;

constexpr std::int64_t kTtl = 500;
constexpr std::uint64_t kTag = 77;

struct Tokens : PoolFixture {
  using PoolFixture::PoolFixture;

  TimedRecord& record(SessionId user = 0) {
    TimedRecord& made = memory.make<TimedRecord>();
    made.token = {++serial, 0};
    made.state = TimedState::kTaken;
    made.ttl = kTtl;
    made.user = user;
    return made;
  }

  // A lease of a number that is free.
  TimedRecord& lease(std::int64_t row_fence = 1) {
    TimedRecord& made = record(9);
    made.index = pool_acquire(region, pool, {9, kTag, Scope::kTransaction}, UINT32_MAX, context());
    REQUIRE(made.index != Bitmap::kNone);
    made.row_fence = row_fence;
    timed_hold(region, pool, made, now);
    return made;
  }

  TimedRecord& place(SessionId user = 0) {
    TimedRecord& made = record(user);
    Waiter& waits = waiter(kTokenHolder, WaiterKind::kPlace);
    waits.owner_tag = region.offset_of(&made);
    waits.scope = Scope::kTimed;
    made.waiter = region.offset_of(&waits);
    timed_prolong_place(region, pool, made, now);
    timed_join(region, pool, made, now);
    return made;
  }

  void end(TimedRecord& record) {
    wake.clear();
    timed_end(region, pool, record, numpool::EndKind::kReleased, context(), wake);
  }
  bool end_due() {
    wake.clear();
    return pool_end_due(region, pool, context(), wake);
  }
  std::int64_t next_due() { return pool_next_due(region, pool); }
  Claim claim(SessionId session) { return {session, kTag, Scope::kTransaction}; }

  // How many are over since the last call; they leave the pool's list.
  int over() {
    int count = 0;
    for (Offset at = pool.tokens.over; at != 0; at = region.at<TimedRecord>(at)->over_next) {
      region.at<TimedRecord>(at)->in_over_list = false;
      ++count;
    }
    pool.tokens.over = 0;
    return count;
  }
  int left() {
    int count = 0;
    for (Offset at = pool.tokens.left; at != 0; at = region.at<TimedRecord>(at)->left_next) ++count;
    return count;
  }
};

}  // namespace numpool_test
