// Growth and shrink, with leases above the size.
#include <doctest/doctest.h>

#include <cstdint>

#include <utility>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

TEST_CASE("resize: from every size to every other, empty, full and half full") {
  const std::uint32_t sizes[] = {1, 2, 15, 16, 17, 63, 64, 65, 128, 129, 1000, 4096, 4097};
  for (const std::uint32_t from : sizes) {
    for (const std::uint32_t to : sizes) {
      for (const std::uint32_t held : {0u, from / 2, from}) {
        CAPTURE(from);
        CAPTURE(to);
        CAPTURE(held);
        PoolFixture fixture(from);
        for (std::uint32_t i = 0; i < held; ++i) fixture.acquire(1);
        fixture.resize(to);
        REQUIRE(fixture.check() == nullptr);
        CHECK(fixture.pool.size == to);
        CHECK(fixture.pool.in_use == held);
        CHECK(fixture.pool.free == (to > held ? to - held : 0));
        CHECK(fixture.acquire(2) == (to > held ? held : Bitmap::kNone));
      }
    }
  }
}

TEST_CASE("resize: to the largest size and back to 1") {
  PoolFixture fixture(1);
  fixture.resize(65536);
  fixture.acquire_all(1);
  CHECK(fixture.pool.in_use == 65536);
  CHECK(fixture.check() == nullptr);
  fixture.resize(1);
  CHECK(fixture.pool.in_use == 65536);
  CHECK(fixture.check() == nullptr);
  for (std::uint32_t index = 0; index < 65536; ++index) fixture.release(index);
  CHECK(fixture.pool.free == 1);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("resize: leases above a smaller size stay, and are retired by their release") {
  PoolFixture fixture(70);
  fixture.acquire_all(1);
  fixture.resize(10);
  CHECK(fixture.pool.in_use == 70);
  Waiter& waiter = fixture.join(2);
  fixture.release(69);
  CHECK(fixture.woken().empty());  // 69 is out of the pool: nobody is given it
  CHECK(waiter.state == WaiterState::kQueued);
  CHECK(fixture.pool.in_use == 69);
  CHECK(fixture.check() == nullptr);
  fixture.release(9);
  CHECK(waiter.state == WaiterState::kGranted);
  CHECK(waiter.index == 9);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("resize: growing again brings back the retired numbers and spares the leased ones") {
  PoolFixture fixture(70);
  fixture.acquire_all(1);
  const std::int64_t kept_fence = fixture.slot(65).fence;
  fixture.resize(10);
  for (const std::uint32_t index : {68u, 20u, 3u}) fixture.release(index);
  fixture.resize(72);
  CHECK(fixture.check() == nullptr);
  CHECK(fixture.slot(65).holder == 1);
  CHECK(fixture.slot(65).fence == kept_fence);
  for (const std::uint32_t index : {3u, 20u, 68u, 70u, 71u}) CHECK(fixture.acquire(2) == index);
  CHECK(fixture.acquire(2) == Bitmap::kNone);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("resize: chunks never move") {
  PoolFixture fixture(17);
  const Slot* const first = &fixture.slot(0);
  const Slot* const last = &fixture.slot(16);
  fixture.resize(5000);
  fixture.resize(3);
  fixture.resize(6000);
  CHECK(&fixture.slot(0) == first);
  CHECK(&fixture.slot(16) == last);
}

TEST_CASE("resize: memory is taken once, and what is not needed comes back") {
  PoolFixture fixture(16);
  const std::size_t blocks = fixture.memory.live_blocks();
  Growth growth = fixture.reserve(70);  // chunks 1 to 3, a page and a bitmap
  CHECK(fixture.memory.live_blocks() == blocks + 5);
  pool_resize(fixture.region, fixture.pool, 70, growth);
  for (const Offset chunk : growth.chunks) CHECK(chunk == 0);
  for (const Offset page : growth.pages) CHECK(page == 0);
  CHECK(growth.bitmaps[0] == 0);  // the old one was a word

  const Offset old_bitmap = fixture.pool.free_memory.bitmaps[0];
  growth = fixture.reserve(200);
  pool_resize(fixture.region, fixture.pool, 200, growth);
  CHECK(growth.bitmaps[0] == old_bitmap);
  fixture.give_back(growth);
  const std::size_t grown = fixture.memory.live_blocks();
  for (const std::uint32_t size : {1u, 256u, 65u, 129u, 200u}) fixture.resize(size);
  CHECK(fixture.memory.live_blocks() == grown);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("resize: a growth that another one made needless is left to its caller") {
  PoolFixture fixture(16);
  Growth needless = fixture.reserve(70);
  const Growth before = needless;
  fixture.resize(100);
  pool_resize(fixture.region, fixture.pool, 70, needless);
  for (std::uint32_t k = 0; k < chunk::kMaxCount; ++k)
    CHECK(needless.chunks[k] == before.chunks[k]);
  CHECK(needless.bitmaps[0] == before.bitmaps[0]);
  CHECK(fixture.pool.size == 70);
  CHECK(fixture.check() == nullptr);
}

TEST_CASE("resize: whether there is memory for a size is known before anything changes") {
  PoolFixture fixture(16);
  Growth nothing{};
  CHECK(pool_can_have(fixture.pool, 16, nothing));
  CHECK(pool_can_have(fixture.pool, 1, nothing));
  for (const std::uint32_t size : {17u, 65u, 200u, 16385u, 65536u}) {
    CAPTURE(size);
    CHECK_FALSE(pool_can_have(fixture.pool, size, nothing));
    Growth growth = fixture.reserve(size);
    CHECK(pool_can_have(fixture.pool, size, growth));
    // Without any one part of it there is not.
    const auto lacks = [&](Offset& part) {
      if (part == 0) return;
      const Offset taken = std::exchange(part, 0);
      CHECK_FALSE(pool_can_have(fixture.pool, size, growth));
      part = taken;
    };
    for (std::uint32_t k = 0; k < chunk::kMaxCount; k += 61) lacks(growth.chunks[k]);
    for (Offset& page : growth.pages) lacks(page);
    for (Offset& bitmap : growth.bitmaps) lacks(bitmap);
    CHECK(pool_can_have(fixture.pool, size, growth));
    fixture.give_back(growth);
  }
}

TEST_CASE(
    "resize: what was reserved for a pool that had more is not enough for one that has less") {
  PoolFixture larger(200);
  PoolFixture fixture(16);
  Growth growth = larger.reserve(40000);
  CHECK(pool_can_have(larger.pool, 40000, growth));
  CHECK_FALSE(pool_can_have(fixture.pool, 40000, growth));
  larger.give_back(growth);
}
