// Who gets a number when a transaction gives it up: at COMMIT, ROLLBACK or a savepoint's rollback.
#include <doctest/doctest.h>

#include "server/calls.h"

using namespace numpool_test;

TEST_CASE("a release hands over at COMMIT, not before") {
  Pool pool(1);
  Session holder, waiter;
  REQUIRE(holder.number(acquire(pool)) == 0);
  wait_in_queue(waiter, pool, 1);
  holder.must("BEGIN");
  CHECK(holder.value(release(pool, 0)) == "t");
  CHECK_FALSE(waiter.done_within(50ms));
  holder.must("COMMIT");
  CHECK(waiter.finish().number() == 0);
  CHECK(pool.queue().empty());
}

TEST_CASE("a release that is rolled back hands nothing over") {
  Pool pool(1);
  Session holder, waiter;
  holder.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  holder.must("BEGIN; " + release(pool, 0) + "; ROLLBACK");
  CHECK_FALSE(waiter.done_within(50ms));
  holder.must(release(pool, 0));
  CHECK(waiter.finish().number() == 0);
}

TEST_CASE("a rolled back acquire hands over, of either scope") {
  for (const char* function : {"acquire", "acquire_xact"}) {
    CAPTURE(function);
    Pool pool(1);
    Session holder, waiter;
    holder.must("BEGIN; " + call(function, pool));
    wait_in_queue(waiter, pool, 1);
    holder.must("ROLLBACK");
    CHECK(waiter.finish().number() == 0);
  }
}

TEST_CASE("a transaction lease is handed over at COMMIT") {
  Pool pool(1);
  Session holder, waiter;
  holder.must("BEGIN; " + acquire_xact(pool));
  wait_in_queue(waiter, pool, 1);
  holder.must("COMMIT");
  CHECK(waiter.finish().number() == 0);
}

TEST_CASE("a savepoint's rollback hands over at once, though its transaction goes on") {
  Pool pool(1);
  Session holder, waiter;
  holder.must("BEGIN; SAVEPOINT s; " + acquire(pool));
  wait_in_queue(waiter, pool, 1);
  holder.must("ROLLBACK TO s");
  CHECK(waiter.finish().number() == 0);
  CHECK_FALSE(holder.number(try_acquire(pool)));
  holder.must("COMMIT");
}

TEST_CASE("an error that fails the transaction hands over before ROLLBACK is said") {
  Pool pool(1);
  Session holder, waiter;
  holder.must("BEGIN; " + acquire(pool));
  wait_in_queue(waiter, pool, 1);
  CHECK(holder.state("SELECT 1/0") == "22012");
  CHECK(waiter.finish().number() == 0);
  holder.must("ROLLBACK");
}

TEST_CASE("release, savepoint, take-back, rollback to it, rollback: one holder all the time") {
  Pool pool(1);
  Session holder, waiter;
  holder.must(acquire(pool));
  const auto fence = holder.number(call("fence", pool, "0"));
  wait_in_queue(waiter, pool, 1);
  holder.must("BEGIN");
  holder.must(release(pool, 0));
  holder.must("SAVEPOINT s");
  // The waiter stays behind, because a number that is taken back never was free.
  CHECK(holder.number(acquire(pool)) == 0);
  holder.must("ROLLBACK TO s");
  CHECK_FALSE(waiter.done_within(50ms));

  SUBCASE("ROLLBACK leaves it with the holder") {
    holder.must("ROLLBACK");
    CHECK_FALSE(waiter.done_within(50ms));
    CHECK(holder.number(call("fence", pool, "0")) == fence);
    CHECK(pool.in_use() == 1);
    CHECK(holder.value(release(pool, 0)) == "t");
  }
  SUBCASE("COMMIT hands it over") {
    holder.must("COMMIT");
    CHECK_FALSE(holder.number(call("fence", pool, "0")));
  }
  CHECK(waiter.finish().number() == 0);
  CHECK(*waiter.number(call("fence", pool, "0")) > *fence);
}

TEST_CASE("a take-back in the transaction's own queue never waits, whoever is before it") {
  Pool pool(2);
  Session holder, first, second;
  holder.must("SELECT " + std::string("numpool_acquire(") + pool.q() +
              ") FROM generate_series(1, 2)");
  wait_in_queue(first, pool, 1);
  wait_in_queue(second, pool, 2);
  holder.must("BEGIN");
  holder.must(release(pool, 1));
  holder.must(release(pool, 0));
  CHECK(holder.number(try_acquire(pool)) == 0);
  CHECK(holder.number("SELECT index FROM numpool_enqueue(" + pool.q() + ")") == 1);
  holder.must("COMMIT");
  CHECK_FALSE(first.done_within(50ms));
  holder.must("SELECT numpool_release_all()");
  CHECK(first.finish().number() == 0);
  CHECK(second.finish().number() == 1);
}

TEST_CASE("one COMMIT hands over several numbers of several pools, in the order of each queue") {
  Pool a(2, "a"), b(1, "b");
  Session holder, a1, a2, b1;
  holder.must("SELECT numpool_acquire(" + a.q() + "), numpool_acquire(" + a.q() +
              "), numpool_acquire(" + b.q() + ")");
  wait_in_queue(a1, a, 1);
  wait_in_queue(a2, a, 2);
  wait_in_queue(b1, b, 1);
  holder.must("BEGIN; " + release(b, 0) + "; " + release(a, 1) + "; " + release(a, 0) + "; COMMIT");
  const auto i1 = a1.finish().number(), i2 = a2.finish().number();
  CHECK((i1 == 0 || i1 == 1));
  CHECK(i1.value() + i2.value() == 1);
  CHECK(b1.finish().number() == 0);
  const auto f1 = a1.number(call("fence", a, std::to_string(*i1)));
  const auto f2 = a2.number(call("fence", a, std::to_string(*i2)));
  CHECK(*f1 < *f2);
}

TEST_CASE("more hand-offs in one COMMIT than any small array holds") {
  constexpr int kWaiters = 70;
  Pool pool(kWaiters);
  Session holder, crowd;
  holder.must("SELECT numpool_acquire(" + pool.q() + ") FROM generate_series(1, 70)");
  crowd.must("SELECT numpool_enqueue(" + pool.q() + ") FROM generate_series(1, 140)");
  holder.must("SELECT numpool_release_all()");
  CHECK(pool.in_use() == kWaiters);
  CHECK(pool.waiting() == 70);
  std::size_t told = 0;
  CHECK(eventually([&] { return (told += crowd.notifications(10ms).size()) == 70; }));
}

TEST_CASE("a resize serves waiters at COMMIT") {
  Pool pool(1);
  Session holder, first, second, resizer;
  holder.must(acquire(pool));
  wait_in_queue(first, pool, 1);
  wait_in_queue(second, pool, 2);
  resizer.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", 3)");
  CHECK_FALSE(first.done_within(50ms));
  SUBCASE("committed") {
    resizer.must("COMMIT");
    CHECK(first.finish().number() == 1);
    CHECK(second.finish().number() == 2);
  }
  SUBCASE("rolled back") {
    resizer.must("ROLLBACK");
    CHECK_FALSE(first.done_within(50ms));
    holder.must(release(pool, 0));
    CHECK(first.finish().number() == 0);
    first.must(release(pool, 0));
    CHECK(second.finish().number() == 0);
  }
}

TEST_CASE("a shrink under waiters grants no index outside the pool again") {
  Pool pool(2);
  Session low, high, waiter;
  low.must(acquire(pool));
  high.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  observer().must("SELECT numpool_resize(" + pool.q() + ", 1)");
  high.must(release(pool, 1));
  CHECK_FALSE(waiter.done_within(50ms));
  low.must(release(pool, 0));
  CHECK(waiter.finish().number() == 0);
}
