// Tokens: leases that end by time, kept places, offers, rows that are left, a drop.
#include <vector>

#include "timed_fixture.h"

using namespace numpool;
using namespace numpool_test;

TEST_CASE("timed: a lease belongs to its token, and lasts its time from its COMMIT") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  CHECK(tokens.slot(0).holder == kTokenHolder);
  CHECK(tokens.slot(0).owner_tag == tokens.region.offset_of(&record));
  CHECK(tokens.slot(0).scope == Scope::kTimed);
  CHECK(record.fence == tokens.slot(0).fence);
  CHECK(tokens.pool.tokens.timed == 1);
  CHECK(tokens.pool.tokens.records == 1);
  CHECK(tokens.next_due() == tokens.now + kTtl);
  CHECK(pool_sole_holder(tokens.region, tokens.pool) == kTokenHolder);
  CHECK(tokens.check() == nullptr);

  tokens.now += kTtl - 1;
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kHeld);
  tokens.now += 1;
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kOver);
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.pool.counters.expired == 1);
  CHECK(tokens.over() == 1);
  CHECK(tokens.next_due() == INT64_MAX);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a renewal moves the end, and the timer only when it comes up") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  const std::int64_t first = tokens.next_due();
  tokens.now += 300;
  timed_renew(record, tokens.now);
  CHECK(tokens.next_due() == first);
  tokens.now = first;
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kHeld);
  CHECK(tokens.next_due() == record.deadline);
  CHECK(tokens.pool.counters.expired == 0);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: what ends goes to the head of the queue, a sleeper or a place") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  Waiter& sleeper = tokens.join(2);
  TimedRecord& place = tokens.place();
  tokens.now += kTtl;
  place.deadline = tokens.now + kTtl;
  tokens.end_due();
  CHECK(record.state == TimedState::kOver);
  CHECK(sleeper.state == WaiterState::kGranted);
  CHECK(tokens.woken() == std::vector<SessionId>{2});
  CHECK(tokens.slot(0).state == LeaseState::kHeld);
  tokens.release(0);
  CHECK(place.state == TimedState::kOffered);
  CHECK(place.index == 0);
  CHECK(place.fence == tokens.slot(0).fence);
  CHECK(tokens.slot(0).state == LeaseState::kGranted);
  CHECK(tokens.woken().empty());
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a call that sleeps on its place is woken, and its place is not due") {
  Tokens tokens(1);
  tokens.acquire(1);
  TimedRecord& place = tokens.place(5);
  tokens.now += 10 * kTtl;
  CHECK(!tokens.end_due());
  CHECK(place.state == TimedState::kPlace);
  tokens.release(0);
  CHECK(place.state == TimedState::kOffered);
  CHECK(tokens.woken() == std::vector<SessionId>{5});
  // It dies before it has looked: the offer ends.
  timed_clear_user(tokens.region, tokens.pool, place);
  CHECK(tokens.next_due() <= tokens.now);
  tokens.end_due();
  CHECK(place.state == TimedState::kOver);
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a hand-off passes over places whose time is over") {
  Tokens tokens(1);
  tokens.acquire(1);
  std::vector<TimedRecord*> late;
  for (int i = 0; i < 5; ++i) late.push_back(&tokens.place());
  tokens.now += kTtl;
  TimedRecord& in_time = tokens.place();
  tokens.release(0);
  for (TimedRecord* place : late) CHECK(place->state == TimedState::kOver);
  CHECK(in_time.state == TimedState::kOffered);
  CHECK(tokens.pool.counters.timeouts == 5);
  CHECK(tokens.over() == 5);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: if all places are over, the number is free") {
  Tokens tokens(1);
  tokens.acquire(1);
  for (int i = 0; i < 3; ++i) tokens.place();
  tokens.now += kTtl;
  tokens.release(0);
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.pool.queue.length == 0);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a hand-off looks at so many places only; the rest pass on") {
  Tokens tokens(1);
  tokens.acquire(1);
  for (int i = 0; i < 70; ++i) tokens.place();
  Waiter& sleeper = tokens.join(3);
  tokens.now += kTtl;
  tokens.release(0);
  CHECK(tokens.over() == 64);
  CHECK(tokens.slot(0).state == LeaseState::kGranted);
  CHECK(sleeper.state == WaiterState::kQueued);
  CHECK(tokens.check() == nullptr);
  while (tokens.end_due()) continue;
  CHECK(sleeper.state == WaiterState::kGranted);
  CHECK(tokens.over() == 6);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a place for which somebody calls with a shorter time ends by that") {
  Tokens tokens(1);
  tokens.acquire(1);
  TimedRecord& place = tokens.place();
  place.ttl = kTtl / 10;
  timed_prolong_place(tokens.region, tokens.pool, place, tokens.now);
  CHECK(tokens.next_due() == tokens.now + kTtl / 10);
  CHECK(tokens.check() == nullptr);
  // An offer of it ends as the place would have ended.
  tokens.release(0);
  CHECK(place.state == TimedState::kOffered);
  CHECK(tokens.next_due() == tokens.now + kTtl / 10);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a place lasts half a minute at most") {
  Tokens tokens(1);
  tokens.acquire(1);
  TimedRecord& place = tokens.place();
  place.ttl = 10 * kMaxPlaceTtl;
  timed_prolong_place(tokens.region, tokens.pool, place, tokens.now);
  CHECK(place.deadline == tokens.now + kMaxPlaceTtl);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a pick-up that is rolled back is an offer again, with its deadline") {
  Tokens tokens(1);
  tokens.acquire(1);
  TimedRecord& place = tokens.place();
  const std::int64_t deadline = place.deadline;
  tokens.release(0);
  timed_pick_up(tokens.region, tokens.pool, place, tokens.claim(4), tokens.now);
  CHECK(place.state == TimedState::kTaken);
  CHECK(place.user == 4);
  CHECK(tokens.slot(0).holder == 4);
  CHECK(tokens.next_due() == INT64_MAX);
  tokens.now += 2 * kTtl;
  CHECK(!tokens.end_due());
  CHECK(tokens.slot(0).holder == 4);
  CHECK(tokens.check() == nullptr);
  timed_put_back(tokens.region, tokens.pool, place);
  CHECK(place.state == TimedState::kOffered);
  CHECK(tokens.next_due() == deadline);
  CHECK(tokens.check() == nullptr);
  tokens.end_due();
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a picked up offer has its whole time from its COMMIT") {
  Tokens tokens(1);
  tokens.acquire(1);
  TimedRecord& place = tokens.place();
  tokens.release(0);
  const std::int64_t fence = tokens.slot(0).fence;
  timed_pick_up(tokens.region, tokens.pool, place, tokens.claim(4), tokens.now);
  tokens.now += 3 * kTtl;
  place.row_fence = place.fence;
  timed_hold(tokens.region, tokens.pool, place, tokens.now);
  CHECK(place.state == TimedState::kHeld);
  CHECK(place.fence == fence);
  CHECK(tokens.next_due() == tokens.now + kTtl);
  CHECK(tokens.pool.tokens.records == 1);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a lease whose release is pending does not end by time, and a rollback lets it") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  record.user = 6;
  tokens.slot(0).state = LeaseState::kReleasing;
  tokens.now += 2 * kTtl;
  CHECK(!tokens.end_due());
  CHECK(record.state == TimedState::kHeld);
  timed_clear_user(tokens.region, tokens.pool, record);
  CHECK(tokens.slot(0).state == LeaseState::kHeld);
  tokens.end_due();
  CHECK(record.state == TimedState::kOver);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: an end by time leaves a row, a release that has deleted it leaves none") {
  Tokens tokens(3);
  TimedRecord& expires = tokens.lease(11);
  TimedRecord& released = tokens.lease(12);
  TimedRecord& locked = tokens.lease(13);
  released.row_is_deleted = true;
  tokens.end(released);
  tokens.end(locked);
  CHECK(tokens.left() == 1);
  tokens.now += kTtl;
  tokens.end_due();
  CHECK(tokens.left() == 2);
  CHECK(tokens.over() == 3);
  CHECK(released.row_fence == 0);
  CHECK(!released.counted);
  // A pool is not evicted while it has rows.
  CHECK(tokens.pool.tokens.records == 2);
  timed_forget_row(tokens.region, tokens.pool, locked);
  timed_forget_row(tokens.region, tokens.pool, expires);
  CHECK(tokens.left() == 0);
  CHECK(tokens.pool.tokens.records == 0);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: what is due ends in batches, of which each is bounded") {
  Tokens tokens(200);
  for (int i = 0; i < 200; ++i) tokens.lease();
  // Half of them were renewed, and are put back.
  for (std::uint32_t i = 0; i < 200; i += 2)
    timed_renew(*tokens.region.at<TimedRecord>(tokens.slot(i).owner_tag), tokens.now + kTtl);
  tokens.now += kTtl;
  int batches = 1;
  for (; tokens.end_due(); ++batches) CHECK(tokens.over() <= static_cast<int>(kDueBatch));
  tokens.over();
  CHECK(batches == 4);
  CHECK(tokens.pool.tokens.timed == 100);
  CHECK(tokens.pool.counters.expired == 100);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a batch wakes no more than there is room for") {
  Tokens tokens(100);
  for (int i = 0; i < 100; ++i) tokens.lease();
  for (SessionId session = 1; session <= 100; ++session) tokens.join(session);
  tokens.now += kTtl;
  std::vector<SessionId> woken;
  bool more = true;
  while (more) {
    more = tokens.end_due();
    for (const SessionId session : tokens.woken()) woken.push_back(session);
  }
  CHECK(woken.size() == 100);
  CHECK(tokens.pool.queue.length == 0);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: a lease above a shrunk size ends and is retired") {
  Tokens tokens(2);
  tokens.lease();
  TimedRecord& above = tokens.lease();
  tokens.resize(1);
  CHECK(tokens.check() == nullptr);
  tokens.end(above);
  CHECK(tokens.pool.free == 0);
  CHECK(tokens.pool.in_use == 1);
  CHECK(tokens.check() == nullptr);
}

TEST_CASE("timed: after a start leases come back, below the size and above, with a new fence") {
  Tokens tokens(4);
  tokens.resize(2);
  for (const std::uint32_t index : {1u, 3u}) {
    TimedRecord& record = tokens.record();
    record.index = index;
    record.row_fence = 5;
    timed_restore(tokens.region, tokens.pool, record, tokens.context(), 100 + index);
    CHECK(record.fence == 100 + index);
    CHECK(record.row_fence == 5);
    CHECK(record.state == TimedState::kHeld);
    CHECK(tokens.check() == nullptr);
  }
  CHECK(tokens.pool.in_use == 2);
  CHECK(tokens.pool.free == 1);
  CHECK(tokens.acquire(1) == 0);
  CHECK(tokens.next_due() == tokens.now + kTtl);
}

TEST_CASE("timed: a drop ends all that tokens have, in batches, and nothing leaves a row") {
  Tokens tokens(150);
  for (int i = 0; i < 140; ++i) tokens.lease();
  tokens.acquire_all(1);
  for (int i = 0; i < 100; ++i) tokens.place(i % 2 == 0 ? 0 : 8);
  TimedRecord& row = tokens.record();
  row.row_fence = 3;
  timed_note_row(tokens.region, tokens.pool, row);
  CHECK(tokens.check() == nullptr);

  std::size_t woken = 0;
  bool more = true;
  while (more) {
    tokens.wake.clear();
    more = pool_dismiss(tokens.region, tokens.pool, tokens.wake);
    woken += tokens.woken().size();
  }
  CHECK(woken == 50);
  CHECK(tokens.over() == 100);
  std::uint32_t from = 0;
  int over = 0;
  int batches = 0;
  for (more = true; more; ++batches) {
    more = timed_end_all(tokens.region, tokens.pool, &from);
    const int ended = tokens.over();
    CHECK(ended <= static_cast<int>(kDueBatch));
    over += ended;
  }
  CHECK(batches == 3);
  CHECK(over == 141);
  CHECK(row.state == TimedState::kOver);
  CHECK(row.row_fence == 0);
  CHECK(tokens.pool.tokens.records == 0);
  CHECK(tokens.pool.tokens.timed == 0);
  CHECK(tokens.pool.in_use == 10);
  CHECK(tokens.next_due() == INT64_MAX);
}

TEST_CASE("timed: a drop forgets the row of a record that somebody is taking out of the table") {
  Tokens tokens(1);
  TimedRecord& record = tokens.lease();
  tokens.end(record);
  tokens.pool.tokens.over = 0;  // the list is somebody's
  std::uint32_t from = 0;
  CHECK(!timed_end_all(tokens.region, tokens.pool, &from));
  CHECK(tokens.pool.tokens.over == 0);  // it is on one list only
  CHECK(record.row_fence == 0);
  CHECK(tokens.pool.tokens.records == 0);
}
