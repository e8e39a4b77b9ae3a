// Which leases have lasted too long (max_hold), and when somebody has to look.
#include "core/hold_limit.h"

#include <random>
#include <vector>

#include "core/lease_end.h"
#include "timed_fixture.h"

using namespace numpool;
using namespace numpool_test;

namespace {

struct Holds : Tokens {
  explicit Holds(std::uint32_t size, std::int64_t most = 100) : Tokens(size) { limit(most); }

  void limit(std::int64_t most) {
    PoolSettings settings = pool.settings;
    settings.max_hold = most;
    configure(settings);
  }
  // Ends all that has lasted too long; the numbers, in their order.
  std::vector<std::uint32_t> end_overheld() {
    std::vector<std::uint32_t> ended;
    while (pool.hold.due <= now) {
      std::uint32_t left = kHoldBatch;
      const std::uint32_t index = next_overheld(region, pool, now, &left);
      if (index == Bitmap::kNone) continue;
      SessionId holder;
      wake.clear();
      CHECK(pool_end_lease(region, pool, index, slot(index).fence, context(), wake, &holder) ==
            LeaseEnd::kEnded);
      ended.push_back(index);
    }
    CHECK(check() == nullptr);
    return ended;
  }
};

using Indexes = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("hold: a lease is over that long after its grant, by session or by hand-off") {
  Holds holds(2);
  CHECK(holds.next_due() == INT64_MAX);
  CHECK(holds.acquire(1) == 0);
  CHECK(holds.next_due() == 1100);
  holds.now = 1050;
  CHECK(holds.acquire(1) == 1);
  CHECK(holds.next_due() == 1100);
  holds.join(2);
  holds.now = 1099;
  CHECK(holds.end_overheld().empty());
  holds.now = 1100;
  CHECK(holds.end_overheld() == Indexes{0});
  CHECK(holds.slot(0).holder == 2);
  CHECK(holds.pool.counters.ended == 1);
  CHECK(holds.next_due() == 1150);
  holds.now = 1199;
  CHECK(holds.end_overheld() == Indexes{1});
  CHECK(holds.next_due() == 1203);  // not at once after a look
  holds.now = 1203;
  CHECK(holds.end_overheld() == Indexes{0});
  CHECK(holds.next_due() == INT64_MAX);
}

TEST_CASE("hold: one that was released in time costs a look, and its number is another's") {
  Holds holds(1);
  holds.acquire(1);
  holds.now = 1090;
  holds.release(0);
  holds.acquire(2);
  CHECK(holds.next_due() == 1100);
  holds.now = 1150;
  CHECK(holds.end_overheld().empty());
  CHECK(holds.next_due() == 1190);
  holds.release(0);
  holds.now = 1190;
  CHECK(holds.end_overheld().empty());
  CHECK(holds.next_due() == INT64_MAX);
}

TEST_CASE("hold: the wall clock is set, and ends nothing") {
  Holds holds(2);
  holds.acquire(1);
  // What the clock for people says then, and how long a lease was held.
  const auto grant_at = [&](std::int64_t wall) {
    GrantContext context{wall, holds.now, holds.fence};
    return pool_acquire(holds.region, holds.pool, {2, 2, Scope::kSession}, 2, context);
  };
  holds.now = 1050;
  CHECK(grant_at(-5000000) == 1);
  holds.now = 1100;
  CHECK(holds.end_overheld() == Indexes{0});
  holds.now = 1150;
  CHECK(holds.end_overheld() == Indexes{1});
}

TEST_CASE("hold: the limit changes while leases are held") {
  Holds holds(3, 0);
  CHECK(holds.next_due() == INT64_MAX);
  holds.acquire(1);
  holds.now = 1100;
  holds.acquire(1);
  SUBCASE("set: by how long they have lasted") {
    holds.limit(100);
    CHECK(holds.end_overheld() == Indexes{0});
    CHECK(holds.next_due() == 1200);
  }
  SUBCASE("longer, shorter, none") {
    holds.limit(1000);
    CHECK(holds.end_overheld().empty());
    CHECK(holds.next_due() == 2000);
    holds.limit(2000);
    CHECK(holds.end_overheld().empty());
    CHECK(holds.next_due() == 3000);
    holds.limit(50);
    CHECK(holds.end_overheld() == Indexes{0});
    holds.limit(0);
    CHECK(holds.next_due() == INT64_MAX);
    holds.now = 9000;
    CHECK(holds.end_overheld().empty());
    CHECK(holds.pool.in_use == 1);
  }
  SUBCASE("with the clock for people ahead of the other") {
    PoolSettings settings;
    settings.max_hold = 100;
    pool_configure(holds.region, holds.pool, settings, holds.now + 77, holds.now);
    holds.acquire(2);
    CHECK(holds.slot(2).acquired_at == holds.now + 77);
    // Those of before are as old as that clock says: they were held 77 longer.
    CHECK(holds.end_overheld() == Indexes{0});
    CHECK(holds.next_due() == 1123);
  }
}

TEST_CASE("hold: what a token has is none of it; what it takes is, from the pick-up on") {
  Holds holds(2);
  TimedRecord& lease = holds.lease();
  holds.acquire(1);
  TimedRecord& place = holds.place();
  holds.now = 1050;
  holds.release(1);
  REQUIRE(place.state == TimedState::kOffered);
  holds.now = 1200;
  CHECK(holds.end_overheld().empty());
  CHECK(holds.next_due() == 1500);  // of the token
  timed_pick_up(holds.region, holds.pool, place, holds.claim(4), holds.now);
  CHECK(holds.check() == nullptr);
  CHECK(holds.next_due() == 1300);
  holds.now = 1299;
  CHECK(holds.end_overheld().empty());
  SUBCASE("held by the token then") {
    timed_hold(holds.region, holds.pool, place, holds.now);
    holds.now = 1400;
    CHECK(holds.end_overheld().empty());
    CHECK(place.state == TimedState::kHeld);
  }
  SUBCASE("not yet") {
    holds.now = 1300;
    CHECK(holds.end_overheld() == Indexes{1});
  }
  CHECK(lease.state == TimedState::kHeld);
}

TEST_CASE("hold: above the size, too, and a bad end") {
  Holds holds(20);
  PoolSettings settings = holds.pool.settings;
  settings.death_delay = 1000;
  holds.configure(settings);
  holds.acquire_all(1);
  holds.resize(1);
  holds.now = 1100;
  CHECK(holds.end_overheld().size() == 20);
  CHECK(holds.pool.resting == 20);
  CHECK(holds.pool.in_use == 0);
}

TEST_CASE("hold: a look in batches, between which others come and go, misses nothing") {
  Holds holds(5000, 1000000);
  std::mt19937 random(4711);
  std::vector<std::int64_t> granted(5000, 0);
  for (int step = 0; step < 20000; ++step) {
    holds.now += random() % 500;
    const std::uint32_t index = random() % 5000;
    if (holds.slot(index).holder != 0) {
      holds.release(index);
    } else {
      const std::uint32_t got = holds.acquire(1 + random() % 7);
      granted[got] = holds.now;
    }
    // One batch, as the clerk does it; some time later than due.
    if (holds.next_due() > holds.now || random() % 4 != 0) continue;
    std::uint32_t left = kHoldBatch;
    for (;;) {
      const std::uint32_t over = next_overheld(holds.region, holds.pool, holds.now, &left);
      if (over == Bitmap::kNone) break;
      REQUIRE(granted[over] + 1000000 <= holds.now);
      SessionId holder;
      holds.wake.clear();
      pool_end_lease(holds.region, holds.pool, over, holds.slot(over).fence, holds.context(),
                     holds.wake, &holder);
    }
    if (holds.pool.hold.due <= holds.now) continue;
    // The look is over: no lease is left that began before it by more than the limit, but those
    // that came due behind it.
    for (std::uint32_t i = 0; i < 5000; ++i)
      if (holds.slot(i).holder != 0) REQUIRE(granted[i] + 1000000 > holds.now - 200000);
  }
  CHECK(holds.check() == nullptr);
  holds.now += 1000000;
  holds.end_overheld();
  CHECK(holds.pool.in_use == 0);
  CHECK(holds.pool.counters.ended > 1000);
}
