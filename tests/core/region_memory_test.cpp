// The tests' own allocator. A test proves nothing if the allocator under it is broken.
#include <doctest/doctest.h>

#include "region_memory.h"

using numpool::Offset;
using numpool_test::RegionMemory;

TEST_CASE("region: offset 0 and nullptr name each other") {
  RegionMemory memory(4096);
  CHECK(memory.region().at<int>(0) == nullptr);
  CHECK(memory.region().offset_of(nullptr) == 0);
}

TEST_CASE("region: an offset leads back to its object") {
  RegionMemory memory(4096);
  int& number = memory.make<int>();
  const Offset offset = memory.region().offset_of(&number);
  CHECK(offset != 0);
  CHECK(memory.region().at<int>(offset) == &number);
}

TEST_CASE("region memory: blocks do not overlap and freed ones are used again") {
  RegionMemory memory(4096);
  const Offset a = memory.allocate(24);
  const Offset b = memory.allocate(24);
  CHECK(b >= a + 24);
  CHECK(memory.live_blocks() == 2);
  memory.free(a);
  CHECK(memory.live_blocks() == 1);
  CHECK_THROWS_AS(memory.free(a), std::logic_error);
  CHECK(memory.allocate(20) == a);
  CHECK_THROWS_AS(memory.allocate(4096), std::bad_alloc);
}

TEST_CASE("region memory: new memory is garbage unless zeroes were asked for") {
  RegionMemory memory(4096);
  const Offset offset = memory.allocate(sizeof(int));
  CHECK(*memory.region().at<int>(offset) != 0);
  memory.free(offset);
  CHECK(*memory.region().at<int>(memory.allocate_zeroed(sizeof(int))) == 0);
}
