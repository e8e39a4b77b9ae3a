// Numbers that are out of service, and pools that are drained.
#include <doctest/doctest.h>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

TEST_CASE("service: a number that is out of service is not given, and comes back to who waits") {
  PoolFixture p(3);
  p.set_service({0, 2, 77});
  CHECK(p.pool.free == 1);
  CHECK(p.check() == nullptr);
  CHECK(p.acquire(1) == 1);
  CHECK(p.acquire(1) == Bitmap::kNone);
  Waiter& waiter = p.join(2);
  CHECK(p.check() == nullptr);
  p.set_service({2});
  p.wake.clear();
  CHECK(!pool_serve(p.region, p.pool, p.context(), p.wake));
  CHECK(waiter.index == 0);
  CHECK(p.check() == nullptr);
}

TEST_CASE("service: a lease stays, and its number is kept from all when it ends") {
  PoolFixture p(1);
  p.acquire(1);
  Waiter& waiter = p.join(2);
  p.set_service({0});
  CHECK(p.slot(0).holder == 1);
  p.release(0);
  CHECK(p.woken().empty());
  CHECK(waiter.state == WaiterState::kQueued);
  CHECK(p.pool.free == 0);
  CHECK(p.pool.in_use == 0);
  CHECK(p.check() == nullptr);
  p.set_service({});
  CHECK(pool_serve(p.region, p.pool, p.context(), p.wake) == false);
  CHECK(waiter.index == 0);
}

TEST_CASE("service: nothing is given of a pool that is drained, or of which it is not known") {
  for (const bool unknown : {false, true}) {
    PoolFixture p(100);
    p.acquire(1);
    p.set_service({}, !unknown, unknown);
    CHECK(p.pool.free == 0);
    CHECK(p.acquire(2) == Bitmap::kNone);
    CHECK(p.check() == nullptr);
    p.resize(200);
    CHECK(p.pool.free == 0);
    p.release(0);
    CHECK(p.pool.free == 0);
    p.set_service({5});
    CHECK(p.pool.free == 199);
    CHECK(p.check() == nullptr);
  }
}

TEST_CASE("service: a number above the size stays out of it when the pool grows over it") {
  PoolFixture p(2);
  p.set_service({3});
  CHECK(p.pool.free == 2);
  p.resize(5);
  CHECK(p.pool.free == 4);
  p.resize(1);
  p.resize(5);
  CHECK(p.pool.free == 4);
  CHECK(p.check() == nullptr);
}

TEST_CASE("service: who holds all that may be given waits for itself, but not in a drained pool") {
  PoolFixture p(3);
  p.acquire(7);
  p.acquire(7);
  CHECK(pool_sole_holder(p.region, p.pool) == 0);
  p.set_service({2});
  CHECK(pool_sole_holder(p.region, p.pool) == 7);
  p.set_service({}, true);
  CHECK(pool_sole_holder(p.region, p.pool) == 0);
  p.set_service({0, 2});
  CHECK(pool_sole_holder(p.region, p.pool) == 7);
  p.set_service({0, 1, 2});
  p.release(0);
  p.release(1);
  CHECK(pool_sole_holder(p.region, p.pool) == 0);
}

TEST_CASE("check: I1 knows of service") {
  PoolFixture p(3);
  p.pool.out.drained = true;
  CHECK(p.check() != nullptr);
}
