// The heap never gives two records the same place, gives none where there is no room, and has all
// back in the end.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "core/slab_heap.h"

using numpool::Offset;
using numpool::Region;
using numpool::SlabHeap;

namespace {

// A heap of so many blocks in a buffer of garbage, with some bytes more than they take.
class Fixture {
 public:
  explicit Fixture(std::uint32_t blocks)
      : bytes_(kStart + SlabHeap::kBlockSize * blocks + 1000),
        buffer_(static_cast<char*>(::operator new (bytes_, std::align_val_t{64}))),
        region(buffer_) {
    std::memset(buffer_, 0xa5, bytes_);
    heap.init(kStart, bytes_ - kStart);
  }
  ~Fixture() { ::operator delete (buffer_, std::align_val_t{64}); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  bool holds(Offset object, std::size_t size) const {
    return object >= kStart && object + size <= bytes_;
  }

 private:
  static constexpr std::size_t kStart = 192;
  std::size_t bytes_;
  char* buffer_;

 public:
  Region region;
  SlabHeap heap;
};

bool all_bytes_are(const char* bytes, std::size_t size, char value) {
  for (std::size_t i = 0; i < size; ++i)
    if (bytes[i] != value) return false;
  return true;
}

}  // namespace

TEST_CASE("slab heap: every size has its room, zeroed and aligned") {
  for (const std::size_t size :
       {1, 8, 40, 41, 80, 81, 96, 97, 320, 640, 1280, 2048, 2088, 2560, 2591, 2592}) {
    CAPTURE(size);
    Fixture fixture(2);
    const Offset object = fixture.heap.allocate(fixture.region, size);
    REQUIRE(object != 0);
    CHECK(fixture.holds(object, size));
    CHECK(object % 8 == 0);
    CHECK(all_bytes_are(fixture.region.at<char>(object), size, 0));
    CHECK(fixture.heap.blocks_in_use() == 1);
    fixture.heap.release(fixture.region, object);
    CHECK(fixture.heap.blocks_in_use() == 0);
  }
}

TEST_CASE("slab heap: what is larger than a block is refused") {
  Fixture fixture(4);
  CHECK(fixture.heap.allocate(fixture.region, SlabHeap::kMaxObject + 1) == 0);
  CHECK(fixture.heap.blocks_in_use() == 0);
}

TEST_CASE("slab heap: a block holds as many as fit, and serves another size once it is empty") {
  const struct {
    std::size_t size;
    std::size_t per_block;
  } rows[] = {{40, 64}, {80, 32}, {96, 27}, {640, 4}, {1280, 2}, {2592, 1}};
  Fixture fixture(3);
  for (const auto& row : rows) {
    CAPTURE(row.size);
    std::vector<Offset> objects;
    while (const Offset object = fixture.heap.allocate(fixture.region, row.size))
      objects.push_back(object);
    CHECK(objects.size() == 3 * row.per_block);
    CHECK(fixture.heap.allocate(fixture.region, 1) == 0);
    for (const Offset object : objects) fixture.heap.release(fixture.region, object);
    CHECK(fixture.heap.blocks_in_use() == 0);
  }
}

TEST_CASE("slab heap: a failed allocation, however often, takes nothing") {
  Fixture fixture(2);
  const Offset small = fixture.heap.allocate(fixture.region, 80);
  const Offset large = fixture.heap.allocate(fixture.region, 2592);
  for (int round = 0; round < 100000; ++round) {
    REQUIRE(fixture.heap.allocate(fixture.region, 2592) == 0);
    REQUIRE(fixture.heap.allocate(fixture.region, 640) == 0);
  }
  fixture.heap.release(fixture.region, large);
  CHECK(fixture.heap.allocate(fixture.region, 640) != 0);
  fixture.heap.release(fixture.region, small);
  CHECK(fixture.heap.allocate(fixture.region, 1280) != 0);
}

TEST_CASE("slab heap: the fuller block is used first, so that others empty") {
  Fixture fixture(2);
  std::vector<Offset> objects;
  for (int i = 0; i < 8; ++i) objects.push_back(fixture.heap.allocate(fixture.region, 640));
  // One object has gone from the first block, and all but one from the second.
  fixture.heap.release(fixture.region, objects[0]);
  fixture.heap.release(fixture.region, objects[5]);
  fixture.heap.release(fixture.region, objects[6]);
  fixture.heap.release(fixture.region, objects[7]);
  CHECK(fixture.heap.allocate(fixture.region, 640) == objects[0]);
  fixture.heap.release(fixture.region, objects[4]);
  CHECK(fixture.heap.blocks_in_use() == 1);
}

TEST_CASE("slab heap: what stays behind, scattered, keeps little from another size") {
  constexpr std::uint32_t kBlocks = 1000;
  Fixture fixture(kBlocks);
  std::vector<Offset> tickets;
  while (const Offset ticket = fixture.heap.allocate(fixture.region, 96)) tickets.push_back(ticket);
  CHECK(tickets.size() >= kBlocks * 27);
  std::uint32_t kept = 0;
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    if (i % 512 == 0)
      ++kept;
    else
      fixture.heap.release(fixture.region, tickets[i]);
  }
  CHECK(fixture.heap.blocks_free() == kBlocks - kept);
  std::uint32_t large = 0;
  while (fixture.heap.allocate(fixture.region, 2592) != 0) ++large;
  CHECK(large == kBlocks - kept);
  CHECK(large > kBlocks * 9 / 10);
}

TEST_CASE("slab heap: the largest object that there is room for") {
  Fixture fixture(2);
  CHECK(fixture.heap.largest_free() == 2592);
  const Offset small = fixture.heap.allocate(fixture.region, 40);
  CHECK(fixture.heap.largest_free() == 2592);
  fixture.heap.allocate(fixture.region, 1280);
  CHECK(fixture.heap.largest_free() == 1280);
  fixture.heap.allocate(fixture.region, 1280);
  CHECK(fixture.heap.largest_free() == 40);
  fixture.heap.release(fixture.region, small);
  CHECK(fixture.heap.largest_free() == 2592);
  fixture.heap.allocate(fixture.region, 2592);
  CHECK(fixture.heap.largest_free() == 0);
}

TEST_CASE("slab heap: long random use against a list of what was given") {
  struct Given {
    std::size_t size;
    char mark;
  };
  Fixture fixture(600);
  std::mt19937 random(20261124);
  constexpr std::size_t kSizes[] = {40, 80, 96, 160, 320, 640, 1280, 2592};
  std::map<Offset, Given> given;
  std::uint64_t refused = 0;
  for (int step = 0; step < 300000; ++step) {
    // The load swings, so that blocks fill, empty and change their class.
    const bool growing = (step / 20000) % 2 == 0;
    if (step % 1000 == 0) {
      std::set<Offset> blocks;
      for (const auto& [object, what] : given)
        blocks.insert((object - fixture.heap.first_block) / SlabHeap::kBlockSize);
      REQUIRE(fixture.heap.blocks_in_use() == blocks.size());
    }
    if (given.empty() || random() % 100 < (growing ? 70u : 30u)) {
      const std::size_t size = std::size_t{1} + random() % kSizes[random() % std::size(kSizes)];
      const std::size_t largest = fixture.heap.largest_free();
      const Offset object = fixture.heap.allocate(fixture.region, size);
      REQUIRE((object == 0 || size <= largest));
      if (object == 0) {
        ++refused;
        continue;
      }
      REQUIRE(fixture.holds(object, size));
      REQUIRE(all_bytes_are(fixture.region.at<char>(object), size, 0));
      const auto next = given.lower_bound(object);
      if (next != given.end()) REQUIRE(object + size <= next->first);
      if (next != given.begin())
        REQUIRE(std::prev(next)->first + std::prev(next)->second.size <= object);
      const char mark = static_cast<char>(1 + random() % 100);
      std::memset(fixture.region.at<char>(object), mark, size);
      given[object] = {size, mark};
    } else {
      auto victim = given.lower_bound(random() % (SlabHeap::kBlockSize * 600));
      if (victim == given.end()) victim = given.begin();
      // Nobody has written into it.
      REQUIRE(all_bytes_are(fixture.region.at<char>(victim->first), victim->second.size,
                            victim->second.mark));
      fixture.heap.release(fixture.region, victim->first);
      given.erase(victim);
    }
  }
  CHECK(refused > 0);
  for (const auto& [object, what] : given) fixture.heap.release(fixture.region, object);
  CHECK(fixture.heap.blocks_in_use() == 0);
}
