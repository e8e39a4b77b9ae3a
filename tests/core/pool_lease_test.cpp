// Leases of one pool with nobody waiting: which index, what its slot says, what comes back.
#include <doctest/doctest.h>

#include <cstdint>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

TEST_CASE("pool: a new pool has all its numbers free") {
  for (const std::uint32_t size : {1u, 2u, 16u, 17u, 63u, 64u, 65u, 4096u, 4097u, 65536u}) {
    CAPTURE(size);
    PoolFixture fixture(size);
    CHECK(fixture.pool.size == size);
    CHECK(fixture.pool.free == size);
    CHECK(fixture.pool.in_use == 0);
    CHECK(fixture.pool.queue.length == 0);
    CHECK(fixture.pool.counters.counting_since == fixture.now);
    CHECK(fixture.pool.counters.grants == 0);
    CHECK(fixture.check() == nullptr);
  }
}

TEST_CASE("pool: grants each number once, lowest first, then none") {
  for (const std::uint32_t size : {1u, 2u, 16u, 17u, 64u, 65u, 4097u, 65536u}) {
    CAPTURE(size);
    PoolFixture fixture(size);
    bool lowest_first = true;
    for (std::uint32_t index = 0; index < size; ++index)
      lowest_first = lowest_first && fixture.acquire(7) == index;
    CHECK(lowest_first);
    CHECK(fixture.acquire(7) == Bitmap::kNone);
    CHECK(fixture.pool.free == 0);
    CHECK(fixture.pool.in_use == size);
    CHECK(fixture.check() == nullptr);
  }
}

TEST_CASE("pool: a released number is the lowest again") {
  PoolFixture fixture(100);
  fixture.acquire_all(1);
  for (const std::uint32_t index : {99u, 64u, 63u, 5u}) {
    fixture.release(index);
    CHECK(fixture.woken().empty());
    CHECK(fixture.slot(index).holder == 0);
    CHECK(fixture.check() == nullptr);
  }
  for (const std::uint32_t index : {5u, 63u, 64u, 99u}) CHECK(fixture.acquire(2) == index);
}

TEST_CASE("pool: a grant writes the slot") {
  PoolFixture fixture(3);
  fixture.fence = 500;
  fixture.now = 12345;
  const Claim claim{42, 77, Scope::kTransaction};
  const std::uint32_t index =
      pool_acquire(fixture.region, fixture.pool, claim, 3, fixture.context());
  REQUIRE(index == 0);
  const Slot& slot = fixture.slot(index);
  CHECK(slot.holder == 42);
  CHECK(slot.owner_tag == 77);
  CHECK(slot.fence == 500);
  CHECK(slot.acquired_at == 12345);
  CHECK(slot.scope == Scope::kTransaction);
  CHECK(slot.state == LeaseState::kHeld);
  CHECK(fixture.fence == 501);
  CHECK(fixture.pool.counters.grants == 1);
  CHECK(fixture.pool.counters.handoffs == 0);
}

TEST_CASE("pool: a limit keeps an acquire below it and changes nothing where it refuses") {
  PoolFixture fixture(4);
  CHECK(fixture.acquire(1, 0) == Bitmap::kNone);
  CHECK(fixture.acquire(1, 1) == 0);
  CHECK(fixture.acquire(1, 1) == Bitmap::kNone);
  CHECK(fixture.pool.free == 3);
  CHECK(fixture.pool.counters.grants == 1);
  CHECK(fixture.fence == 2);
  CHECK(fixture.acquire(1, 2) == 1);
  CHECK(fixture.check() == nullptr);
}
