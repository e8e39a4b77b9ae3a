// Which free number is given, and when a number that was released may be given again.
#include "core/rest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/timed_lease.h"
#include "timed_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;
using numpool_test::Tokens;

namespace {

PoolSettings with_cooldown(std::int64_t delay) {
  PoolSettings settings;
  settings.cooldown = delay;
  return settings;
}

PoolSettings with_death_delay(std::int64_t delay) {
  PoolSettings settings;
  settings.death_delay = delay;
  return settings;
}

PoolSettings longest_free() {
  PoolSettings settings;
  settings.policy = Policy::kLongestFree;
  return settings;
}

struct RestFixture : PoolFixture {
  RestFixture(std::uint32_t size, const PoolSettings& settings) : PoolFixture(size) {
    configure(settings);
  }

  // Ends what is due; true if there may be more.
  bool end_due() {
    wake.clear();
    return pool_end_due(region, pool, context(), wake);
  }
  std::int64_t next_due() { return pool_next_due(region, pool); }
  bool is_sound() {
    const char* wrong = check();
    if (wrong != nullptr) MESSAGE(wrong);
    return wrong == nullptr;
  }
};

std::vector<std::uint32_t> take(PoolFixture& fixture, int count) {
  std::vector<std::uint32_t> taken;
  for (int i = 0; i < count; ++i) taken.push_back(fixture.acquire(1));
  return taken;
}

using Indexes = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("rest: a released number is given again when its cooldown is over, not before") {
  RestFixture fixture(2, with_cooldown(500));
  take(fixture, 2);
  fixture.release(1);
  CHECK(fixture.pool.in_use == 1);
  CHECK(fixture.pool.free == 0);
  CHECK(fixture.pool.resting == 1);
  CHECK(fixture.next_due() == 1500);
  CHECK(fixture.acquire(2) == Bitmap::kNone);
  CHECK(fixture.is_sound());
  fixture.now = 1499;
  CHECK_FALSE(fixture.end_due());
  CHECK(fixture.acquire(2) == Bitmap::kNone);
  fixture.now = 1500;
  CHECK_FALSE(fixture.end_due());
  CHECK(fixture.pool.resting == 0);
  CHECK(fixture.next_due() == INT64_MAX);
  CHECK(fixture.acquire(2) == 1);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: the head of the queue gets it when the rest is over") {
  RestFixture fixture(1, with_cooldown(500));
  fixture.acquire(1);
  Waiter& first = fixture.join(2);
  Waiter& second = fixture.join(3);
  fixture.release(0);
  CHECK(fixture.woken().empty());
  CHECK(first.state.load() == WaiterState::kQueued);
  CHECK(fixture.is_sound());
  fixture.now = 1500;
  fixture.end_due();
  CHECK(fixture.woken() == std::vector<SessionId>{2});
  CHECK(first.state.load() == WaiterState::kGranted);
  CHECK(second.state.load() == WaiterState::kQueued);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: who never learnt of a number passes it on without one") {
  RestFixture fixture(1, with_cooldown(500));
  fixture.acquire(1);
  fixture.join(2);
  fixture.release(0, EndKind::kUnlearnt);
  CHECK(fixture.woken() == std::vector<SessionId>{2});
  fixture.release(0, EndKind::kUnlearnt);
  CHECK(fixture.pool.free == 1);
  CHECK(fixture.acquire(3) == 0);
}

TEST_CASE("rest: after a bad end it is the longer one of the two") {
  PoolSettings settings = with_cooldown(500);
  SUBCASE("death_delay") {
    settings.death_delay = 800;
  }
  SUBCASE("cooldown") {
    settings.cooldown = 800;
    settings.death_delay = 500;
  }
  SUBCASE("cooldown alone") {
    settings.cooldown = 800;
  }
  RestFixture fixture(1, settings);
  fixture.acquire(1);
  fixture.release(0, EndKind::kBad);
  CHECK(fixture.next_due() == 1800);
}

TEST_CASE("rest: with a death_delay only, a release gives the number at once") {
  RestFixture fixture(2, with_death_delay(800));
  take(fixture, 2);
  fixture.join(2);
  fixture.release(0);
  CHECK(fixture.woken() == std::vector<SessionId>{2});
  fixture.release(1, EndKind::kBad);
  CHECK(fixture.pool.resting == 1);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: both kinds end each in its own order") {
  PoolSettings settings = with_cooldown(100);
  settings.death_delay = 1000;
  RestFixture fixture(4, settings);
  take(fixture, 4);
  fixture.release(3, EndKind::kBad);
  fixture.now = 1950;
  fixture.release(2);
  fixture.release(1, EndKind::kBad);
  fixture.now = 2000;
  fixture.end_due();
  CHECK(fixture.acquire(2) == 3);
  CHECK(fixture.acquire(2) == Bitmap::kNone);
  fixture.now = 2050;
  fixture.end_due();
  CHECK(fixture.acquire(2) == 2);
  CHECK(fixture.next_due() == 2950);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: more than a batch is given back, to all who wait") {
  RestFixture fixture(200, with_cooldown(500));
  take(fixture, 200);
  std::vector<Waiter*> waiters;
  for (SessionId session = 2; session < 152; ++session) waiters.push_back(&fixture.join(session));
  for (std::uint32_t index = 0; index < 200; ++index) fixture.release(index);
  CHECK(fixture.pool.resting == 200);
  fixture.now = 1500;
  CHECK(fixture.end_due());
  CHECK(fixture.woken().size() == 64);
  while (fixture.end_due()) continue;
  CHECK(fixture.pool.resting == 0);
  CHECK(fixture.pool.free == 50);
  for (const Waiter* waiter : waiters) CHECK(waiter->state.load() == WaiterState::kGranted);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: a number goes on resting while a shrink has it out of the pool") {
  RestFixture fixture(4, with_cooldown(500));
  take(fixture, 4);
  fixture.release(3);
  fixture.resize(2);
  fixture.release(2);  // above the size
  CHECK(fixture.pool.resting == 2);
  CHECK(fixture.is_sound());
  SUBCASE("and comes back before the end of it") {
    fixture.resize(4);
    CHECK(fixture.acquire(2) == Bitmap::kNone);
    fixture.now = 1500;
    fixture.end_due();
    CHECK(fixture.acquire(2) == 2);
    CHECK(fixture.acquire(2) == 3);
  }
  SUBCASE("and after it") {
    fixture.now = 1500;
    fixture.end_due();
    CHECK(fixture.pool.resting == 0);
    CHECK(fixture.pool.free == 0);
    fixture.resize(4);
    CHECK(fixture.acquire(2) == 2);
  }
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: a change of the delay counts for what rests") {
  RestFixture fixture(2, with_cooldown(500));
  take(fixture, 2);
  fixture.release(0);
  SUBCASE("longer") {
    fixture.configure(with_cooldown(900));
    CHECK(fixture.next_due() == 1900);
  }
  SUBCASE("shorter") {
    fixture.configure(with_cooldown(100));
    CHECK(fixture.next_due() == 1100);
  }
  SUBCASE("none") {
    fixture.configure(PoolSettings{});
    CHECK(fixture.next_due() == 1000);
    fixture.end_due();
    CHECK(fixture.acquire(2) == 0);
  }
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: all numbers rest after a start, but those of leases that come back") {
  RestFixture fixture(4, with_death_delay(500));
  put_to_rest_from(fixture.region, fixture.pool, 0, 800);
  CHECK(fixture.pool.free == 0);
  CHECK(fixture.pool.resting == 4);
  CHECK(fixture.next_due() == 1300);
  CHECK(fixture.is_sound());
  take_out(fixture.region, fixture.pool, 2);
  CHECK(fixture.pool.resting == 3);
  CHECK_FALSE(is_resting(fixture.slot(2)));
}

TEST_CASE("rest: an offer rests when its time is over only if it was picked up before") {
  Tokens tokens(1);
  PoolSettings settings = with_death_delay(10000);
  tokens.configure(settings);
  TimedRecord& lease = tokens.lease(0);
  TimedRecord& unknown = tokens.place();
  tokens.now += 100;
  TimedRecord& learnt = tokens.place();
  tokens.end(lease);
  REQUIRE(unknown.state == TimedState::kOffered);
  tokens.now = unknown.deadline;
  tokens.end_due();
  CHECK(tokens.pool.resting == 0);
  REQUIRE(learnt.state == TimedState::kOffered);
  timed_pick_up(tokens.region, tokens.pool, learnt, tokens.claim(7), tokens.now);
  timed_put_back(tokens.region, tokens.pool, learnt);
  tokens.now = learnt.deadline;
  tokens.end_due();
  CHECK(learnt.state == TimedState::kOver);
  CHECK(tokens.pool.resting == 1);
}

TEST_CASE("rest: what a growth brings soon after a start rests, in the order of the others") {
  RestFixture fixture(2, with_death_delay(500));
  take(fixture, 1);
  fixture.release(0, EndKind::kBad);
  fixture.resize(4);
  put_to_rest_from(fixture.region, fixture.pool, 2, 800);
  CHECK(fixture.pool.free == 1);
  CHECK(fixture.pool.resting == 3);
  CHECK(fixture.is_sound());
  fixture.now = 1500;
  fixture.end_due();
  CHECK(fixture.pool.resting == 0);
}

TEST_CASE("rest: a session that holds all that does not rest is not the only holder") {
  RestFixture fixture(3, with_cooldown(500));
  take(fixture, 3);
  CHECK(pool_sole_holder(fixture.region, fixture.pool) == 1);
  fixture.release(1);
  CHECK(pool_sole_holder(fixture.region, fixture.pool) == 0);
  fixture.release(0);
  CHECK(pool_sole_holder(fixture.region, fixture.pool) == 0);
}

TEST_CASE("policy: the number that has been free longest") {
  RestFixture fixture(4, longest_free());
  CHECK(take(fixture, 4) == Indexes{0, 1, 2, 3});
  for (const std::uint32_t index : {2, 0, 3, 1}) fixture.release(index);
  CHECK(fixture.is_sound());
  CHECK(take(fixture, 2) == Indexes{2, 0});
  fixture.release(0);
  CHECK(take(fixture, 3) == Indexes{3, 1, 0});
}

TEST_CASE("policy: new numbers of a growth are given first, by index") {
  RestFixture fixture(2, longest_free());
  fixture.resize(4);
  CHECK(fixture.is_sound());
  CHECK(take(fixture, 4) == Indexes{2, 3, 0, 1});
  for (const std::uint32_t index : {3, 2, 1, 0}) fixture.release(index);
  fixture.resize(3);
  CHECK(fixture.is_sound());
  CHECK(take(fixture, 3) == Indexes{2, 1, 0});
}

TEST_CASE("policy: waiters are served by it") {
  RestFixture fixture(1, longest_free());
  fixture.acquire(1);
  std::vector<Waiter*> waiters = {&fixture.join(2), &fixture.join(3)};
  fixture.resize(3);
  fixture.wake.clear();
  pool_serve(fixture.region, fixture.pool, fixture.context(), fixture.wake);
  CHECK(waiters[0]->index == 1);
  CHECK(waiters[1]->index == 2);
  CHECK(fixture.is_sound());
}

TEST_CASE("rest: no more is given back at once than can be handed on and woken") {
  numpool_test::Tokens pool(94);
  pool.configure(with_cooldown(numpool_test::kTtl));
  pool.acquire_all(1);
  for (int i = 0; i < 30; ++i) pool.place();
  for (std::uint32_t index = 0; index < 30; ++index) pool.release(index, EndKind::kUnlearnt);
  for (std::uint32_t index = 30; index < 94; ++index) pool.release(index);
  for (SessionId session = 2; session < 102; ++session) pool.join(session);
  pool.now += numpool_test::kTtl;
  // The offers go to the first ones in line, and leave room to wake so many fewer of the others.
  CHECK(pool.end_due());
  CHECK(pool.check() == nullptr);
  CHECK(pool.woken().size() == 64);
  CHECK(pool.pool.resting == 30);
  CHECK(!pool.end_due());
  CHECK(pool.check() == nullptr);
  CHECK(pool.pool.queue.length == 6);
}

TEST_CASE("policy: who is about to shrink the pool gets none above") {
  RestFixture fixture(3, longest_free());
  take(fixture, 3);
  for (const std::uint32_t index : {2, 1, 0}) fixture.release(index);
  CHECK(fixture.acquire(1, 2) == 0);
  CHECK(fixture.acquire(1, 1) == Bitmap::kNone);
  CHECK(fixture.is_sound());
}

TEST_CASE("policy: changed while numbers are free and held") {
  RestFixture fixture(4, longest_free());
  take(fixture, 3);
  fixture.release(1);
  fixture.configure(PoolSettings{});
  CHECK(fixture.is_sound());
  CHECK(fixture.acquire(1) == 1);
  fixture.release(2);
  fixture.release(1);
  fixture.configure(longest_free());
  CHECK(fixture.is_sound());
  CHECK(take(fixture, 3) == Indexes{1, 2, 3});
}

TEST_CASE("policy: a rested number has been free since the end of its rest") {
  PoolSettings settings = longest_free();
  settings.cooldown = 500;
  RestFixture fixture(3, settings);
  take(fixture, 2);
  fixture.release(0);
  fixture.now = 1500;
  fixture.end_due();
  CHECK(take(fixture, 2) == Indexes{2, 0});
  CHECK(fixture.is_sound());
}

TEST_CASE("check: I7") {
  PoolSettings settings = longest_free();
  settings.cooldown = 500;
  RestFixture fixture(4, settings);
  take(fixture, 3);
  fixture.release(0);
  fixture.release(2);
  REQUIRE(fixture.is_sound());
  SUBCASE("resting is not the number of those that rest") {
    ++fixture.pool.resting;
  }
  SUBCASE("a resting number in no list") {
    fixture.pool.rests[0] = {};
  }
  SUBCASE("one that does not rest in the list of those that do") {
    fixture.slot(2).state = LeaseState::kMourning;
  }
  SUBCASE("rests out of order") {
    fixture.slot(0).rests_from = 2000;
  }
  SUBCASE("a free number in no list") {
    fixture.pool.by_age = {};
  }
  SUBCASE("a broken link") {
    fixture.slot(2).links.previous = 4;
  }
  const char* wrong = fixture.check();
  REQUIRE(wrong != nullptr);
  CHECK(std::string(wrong).substr(0, 2) == "I7");
}
