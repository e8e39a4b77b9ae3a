// The free set of a pool: segments of 16,384 that grow with it, against a std::set.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>

#include "core/free_set.h"
#include "region_memory.h"

using namespace numpool;

namespace {

class Fixture {
 public:
  Fixture() { memory_.capacity = Bitmap::kBitsPerWord; }

  FreeSet set() { return FreeSet(region_.region(), memory_); }
  std::uint32_t capacity() const { return memory_.capacity; }

  // As a pool that grows does it; gives back what was replaced.
  void grow(std::uint32_t capacity) {
    Offset bitmaps[FreeSet::kMaxSegments] = {};
    const bool was_word = memory_.capacity <= Bitmap::kBitsPerWord;
    for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i) {
      const std::uint32_t numbers = FreeSet::segment_capacity(capacity, i);
      if (numbers == 0) continue;
      if (!was_word && numbers == FreeSet::segment_capacity(memory_.capacity, i)) continue;
      bitmaps[i] = region_.allocate_zeroed(FreeSet::segment_bytes(numbers));
    }
    set().grow(capacity, bitmaps);
    for (const Offset replaced : bitmaps) region_.free(replaced);
  }

 private:
  numpool_test::RegionMemory region_{std::size_t{1} << 20};
  FreeSetMemory memory_{};
};

}  // namespace

TEST_CASE("free set: segments") {
  CHECK(FreeSet::segment_capacity(64, 0) == 64);
  CHECK(FreeSet::segment_capacity(64, 1) == 0);
  CHECK(FreeSet::segment_capacity(16384, 0) == 16384);
  CHECK(FreeSet::segment_capacity(16384, 1) == 0);
  CHECK(FreeSet::segment_capacity(16448, 1) == 64);
  CHECK(FreeSet::segment_capacity(65536, 3) == 16384);
}

TEST_CASE("free set: the least member, in whichever segment it is") {
  Fixture fixture;
  CHECK(fixture.set().first() == Bitmap::kNone);
  fixture.grow(65536);
  CHECK(fixture.set().first() == Bitmap::kNone);
  for (const std::uint32_t index : {65535u, 49152u, 49151u, 16384u, 16383u, 0u}) {
    fixture.set().insert(index);
    CHECK(fixture.set().first() == index);
    CHECK(fixture.set().contains(index));
  }
  fixture.set().erase(0);
  fixture.set().erase(16383);
  CHECK(fixture.set().first() == 16384);
}

TEST_CASE("free set: random members while it grows, against a std::set") {
  std::mt19937 random(27);
  for (int round = 0; round < 20; ++round) {
    Fixture fixture;
    std::set<std::uint32_t> members;
    for (std::uint32_t capacity = 64; capacity <= kMaxPoolSize;
         capacity += 64 * (1 + random() % (round % 2 == 0 ? 20 : 400))) {
      if (capacity > fixture.capacity()) fixture.grow(capacity);
      for (int step = 0; step < 50; ++step) {
        const std::uint32_t index = random() % capacity;
        if (random() % 3 != 0) {
          fixture.set().insert(index);
          members.insert(index);
        } else {
          fixture.set().erase(index);
          members.erase(index);
        }
      }
      REQUIRE(fixture.set().first() == (members.empty() ? Bitmap::kNone : *members.begin()));
    }
    bool same = true;
    for (std::uint32_t index = 0; index < fixture.capacity(); ++index)
      same = same && fixture.set().contains(index) == (members.count(index) == 1);
    CHECK(same);
  }
}
