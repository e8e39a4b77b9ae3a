// Waiting: hand-off, leaving, service after growth, dismissal by a drop.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

using Sessions = std::vector<SessionId>;

TEST_CASE("pool: a release hands over to the head of the queue, never to a newcomer") {
  PoolFixture fixture(2);
  fixture.acquire_all(1);
  Waiter& first = fixture.join(2);
  Waiter& second = fixture.join(3);
  fixture.now += 250;
  fixture.release(1);
  CHECK(fixture.woken() == Sessions{2});
  CHECK(fixture.wake.begin()->kind == WaiterKind::kBlocking);
  CHECK(first.state == WaiterState::kGranted);
  CHECK(first.index == 1);
  CHECK(first.fence == fixture.slot(1).fence);
  CHECK(fixture.slot(1).holder == 2);
  CHECK(fixture.slot(1).owner_tag == 20);
  CHECK(fixture.slot(1).acquired_at == fixture.now);
  CHECK(fixture.slot(1).state == LeaseState::kHeld);
  CHECK(second.state == WaiterState::kQueued);
  CHECK(fixture.acquire(4) == Bitmap::kNone);
  CHECK(fixture.pool.in_use == 2);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("pool: a ticket is granted into its session's inbox") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  Waiter& ticket = fixture.join(2, WaiterKind::kTicket);
  CHECK(fixture.inbox.head.load() == 0);
  fixture.release(0);
  CHECK(fixture.wake.begin()->kind == WaiterKind::kTicket);
  CHECK(fixture.slot(0).state == LeaseState::kGranted);
  CHECK(ticket.state == WaiterState::kGranted);
  CHECK(inbox_take(fixture.region, fixture.inbox) == fixture.region.offset_of(&ticket));
}

TEST_CASE("pool: a blocking waiter's grant does not go through an inbox") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  fixture.join(2);
  fixture.release(0);
  CHECK(fixture.inbox.head.load() == 0);
}

TEST_CASE("pool: blocking waiters and tickets stand in one queue, scopes too") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  for (SessionId session = 2; session < 12; ++session) {
    Waiter& waiter =
        fixture.waiter(session, session % 3 == 0 ? WaiterKind::kTicket : WaiterKind::kBlocking);
    waiter.scope = session % 2 == 0 ? Scope::kTransaction : Scope::kSession;
    pool_join(fixture.region, fixture.pool, waiter, fixture.now);
  }
  for (SessionId session = 2; session < 12; ++session) {
    fixture.release(0);
    CHECK(fixture.woken() == Sessions{session});
    CHECK(fixture.slot(0).scope == (session % 2 == 0 ? Scope::kTransaction : Scope::kSession));
    CHECK(fixture.check() == nullptr);
  }
  fixture.release(0);
  CHECK(fixture.woken().empty());
  CHECK(fixture.pool.free == 1);
}

TEST_CASE("pool: who leaves the queue is passed over") {
  for (const SessionId leaver : {2u, 3u, 4u}) {
    CAPTURE(leaver);
    PoolFixture fixture(1);
    fixture.acquire_all(1);
    std::vector<Waiter*> waiters;
    Sessions expected;
    for (SessionId session = 2; session <= 4; ++session) {
      waiters.push_back(&fixture.join(session));
      if (session != leaver) expected.push_back(session);
    }
    Waiter& waiter = *waiters[leaver - 2];
    CHECK(pool_leave(fixture.region, fixture.pool, waiter, Leave::kTimeout));
    CHECK(waiter.state == WaiterState::kIdle);
    CHECK(fixture.pool.counters.timeouts == 1);
    CHECK(fixture.pool.counters.cancels == 0);
    Sessions granted;
    for (int round = 0; round < 2; ++round) {
      fixture.release(0);
      for (const SessionId session : fixture.woken()) granted.push_back(session);
    }
    CHECK(granted == expected);
    CHECK(fixture.check() == nullptr);
  }
}

TEST_CASE("pool: a leave that comes after the grant leaves the grant to be passed on") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  Waiter& late = fixture.join(2);
  fixture.join(3);
  fixture.release(0);
  CHECK_FALSE(pool_leave(fixture.region, fixture.pool, late, Leave::kCancel));
  CHECK(fixture.pool.counters.cancels == 0);
  CHECK(late.state == WaiterState::kGranted);
  CHECK(fixture.slot(0).holder == 2);
  fixture.release(late.index);
  CHECK(fixture.slot(0).holder == 3);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("pool: a victim of a deadlock leaves the queue from any place in it") {
  for (const SessionId victim : {2u, 3u, 4u}) {
    CAPTURE(victim);
    PoolFixture fixture(1);
    fixture.acquire_all(1);
    std::vector<Waiter*> waiters;
    for (SessionId session = 2; session <= 4; ++session) waiters.push_back(&fixture.join(session));
    Waiter& waiter = *waiters[victim - 2];
    CHECK(pool_condemn(fixture.region, fixture.pool, waiter, waiter.serial, fixture.wake));
    CHECK(fixture.woken() == Sessions{victim});
    CHECK(waiter.state == WaiterState::kVictim);
    CHECK(fixture.pool.queue.length == 2);
    CHECK(fixture.pool.counters.deadlocks == 1);
    CHECK(fixture.pool.counters.cancels == 0);
    CHECK(fixture.check() == nullptr);
    // Its own session finds it gone, and has nothing to pass on.
    CHECK_FALSE(pool_leave(fixture.region, fixture.pool, waiter, Leave::kTimeout));
    CHECK(fixture.pool.counters.timeouts == 0);
    fixture.release(0);
    CHECK(fixture.woken() == Sessions{victim == 2 ? 3u : 2u});
  }
}

TEST_CASE("pool: nobody is condemned whose wait is over, or is another by now") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  Waiter& waiter = fixture.join(2);
  const std::uint64_t serial = waiter.serial;
  CHECK_FALSE(pool_condemn(fixture.region, fixture.pool, waiter, serial + 1, fixture.wake));
  CHECK_FALSE(pool_condemn(fixture.region, fixture.pool, waiter, serial - 1, fixture.wake));
  CHECK(waiter.state == WaiterState::kQueued);
  fixture.release(0);
  fixture.wake.clear();
  CHECK_FALSE(pool_condemn(fixture.region, fixture.pool, waiter, serial, fixture.wake));
  CHECK(waiter.state == WaiterState::kGranted);
  CHECK(fixture.woken().empty());
  CHECK(fixture.pool.counters.deadlocks == 0);
  CHECK(fixture.slot(0).holder == 2);
}

TEST_CASE("pool: counters add up the waits of hand-offs") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  fixture.now = 2000;
  fixture.join(2);
  fixture.now = 2500;
  fixture.join(3);
  fixture.now = 2600;
  fixture.release(0);
  fixture.now = 2900;
  fixture.release(0);
  const PoolCounters& counters = fixture.pool.counters;
  CHECK(counters.grants == 3);
  CHECK(counters.handoffs == 2);
  CHECK(counters.wait_total == 600 + 400);
  CHECK(counters.wait_longest == 600);
}

TEST_CASE("pool: a histogram has each wait in its power of ten, up to it and not above") {
  struct Row {
    std::int64_t waited;
    std::uint32_t bucket;
  };
  for (const Row row : {Row{0, 0}, Row{100, 0}, Row{101, 1}, Row{1000, 1}, Row{1001, 2},
                        Row{999999, 4}, Row{1000000, 4}, Row{1000001, 5}, Row{1000000000, 7},
                        Row{1000000001, 8}, Row{INT64_MAX, 8}}) {
    CAPTURE(row.waited);
    CHECK(WaitHistogram::bucket_of(row.waited) == row.bucket);
  }
}

TEST_CASE("pool: hand-offs are counted in the histogram from when there is one") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  const auto hand_off_after = [&fixture](SessionId session, std::int64_t time) {
    fixture.join(session);
    fixture.now += time;
    fixture.release(0);
  };
  hand_off_after(2, 50);
  fixture.add_histogram();
  hand_off_after(3, 50);
  hand_off_after(4, 5000);
  const WaitHistogram& histogram = fixture.histogram();
  CHECK(histogram.counts[0] == 1);
  CHECK(histogram.counts[2] == 1);
  CHECK(histogram.total == 5050);
  CHECK(fixture.pool.counters.handoffs == 3);
  SUBCASE("a reset clears it with the counters, and counts on") {
    fixture.now = 7000;
    pool_reset_counters(fixture.region, fixture.pool, fixture.now);
    CHECK(fixture.pool.counters.grants == 0);
    CHECK(fixture.pool.counters.counting_since == 7000);
    CHECK(histogram.counts[2] == 0);
    CHECK(histogram.total == 0);
    hand_off_after(5, 300);
    CHECK(fixture.pool.counters.grants == 1);
    CHECK(histogram.counts[1] == 1);
    CHECK(histogram.total == 300);
  }
}

TEST_CASE("pool: a clock that steps back makes no negative wait") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  fixture.join(2);
  fixture.now -= 500;
  fixture.release(0);
  CHECK(fixture.pool.counters.wait_total == 0);
  CHECK(fixture.pool.counters.wait_longest == 0);
}

TEST_CASE("pool: a growth serves 200 waiters, 64 at a time and in order") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  for (SessionId session = 2; session < 202; ++session)
    fixture.join(session, session % 2 == 0 ? WaiterKind::kBlocking : WaiterKind::kTicket);
  fixture.resize(151);
  Sessions served;
  int calls = 0;
  for (bool more = true; more;) {
    fixture.wake.clear();
    more = pool_serve(fixture.region, fixture.pool, fixture.context(), fixture.wake);
    ++calls;
    for (const SessionId session : fixture.woken()) served.push_back(session);
    // Between two calls a newcomer still does not pass.
    CHECK(fixture.acquire(1000) == Bitmap::kNone);
  }
  CHECK(calls == 3);
  REQUIRE(served.size() == 150);
  for (std::uint32_t i = 0; i < 150; ++i) {
    REQUIRE(served[i] == i + 2);
    REQUIRE(fixture.slot(i + 1).holder == i + 2);
  }
  CHECK(fixture.pool.queue.length == 50);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("pool: service says there is no more when the list and the work end together") {
  PoolFixture fixture(1);
  fixture.acquire_all(1);
  for (SessionId session = 2; session < 2 + WakeList::kCapacity; ++session) fixture.join(session);
  fixture.resize(200);
  CHECK_FALSE(pool_serve(fixture.region, fixture.pool, fixture.context(), fixture.wake));
  CHECK(fixture.wake.full());
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("pool: a drop dismisses 150 waiters, 64 at a time, and leaves the leases") {
  PoolFixture fixture(2);
  fixture.acquire_all(1);
  std::vector<Waiter*> waiters;
  for (SessionId session = 2; session < 152; ++session)
    waiters.push_back(
        &fixture.join(session, session % 5 == 0 ? WaiterKind::kTicket : WaiterKind::kBlocking));
  Sessions dismissed;
  int calls = 0;
  for (bool more = true; more; ++calls) {
    fixture.wake.clear();
    more = pool_dismiss(fixture.region, fixture.pool, fixture.wake);
    for (const SessionId session : fixture.woken()) dismissed.push_back(session);
    CHECK(fixture.check() == nullptr);
  }
  CHECK(calls == 3);
  REQUIRE(dismissed.size() == waiters.size());
  std::size_t in_inbox = 0;
  for (Offset at = inbox_take(fixture.region, fixture.inbox); at != 0; ++in_inbox)
    at = fixture.region.at<Waiter>(at)->inbox_next;
  CHECK(in_inbox == 30);
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    REQUIRE(dismissed[i] == i + 2);
    REQUIRE(waiters[i]->state == WaiterState::kDropped);
  }
  CHECK(fixture.pool.queue.length == 0);
  CHECK(fixture.pool.in_use == 2);
  CHECK_FALSE(pool_leave(fixture.region, fixture.pool, *waiters[0], Leave::kCancel));
  CHECK(fixture.check() == nullptr);
}
