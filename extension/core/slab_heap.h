// Memory of the region for records of up to kMaxObject bytes. It is cut into blocks of one size,
// each a slab of objects of one size class; a block whose objects are all free serves any class
// again. So it never has to find room between others, and an allocation that fails changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/region.h"

namespace numpool {

struct SlabHeap {
  // Sizes of objects: of slots, 40 times powers of two, and of a waiter.
  static constexpr std::size_t kObjectSizes[] = {40,   80,   96,   160,   320,   640,
                                                 1280, 2560, 5120, 10240, 20480, 40960};
  static constexpr std::uint32_t kClassCount = sizeof(kObjectSizes) / sizeof(kObjectSizes[0]);
  static constexpr std::size_t kMaxObject = kObjectSizes[kClassCount - 1];  // a block holds one
  static constexpr std::size_t kBlockHeader = 64;
  static constexpr std::size_t kBlockSize = kBlockHeader + kMaxObject;

  // All offsets are of blocks; 0: none. The blocks before `next_unused` have been used.
  Offset first_block;
  std::uint32_t block_count;
  std::uint32_t next_unused;    // the number of the first block that never was
  Offset empty;                 // used before, with no object now: linked by `next`
  Offset partial[kClassCount];  // with objects and room for more: doubly linked

  // Takes the `size` bytes at `start`, which is a multiple of 64 in an equally aligned region.
  void init(Offset start, std::size_t size) noexcept;

  // `size` zeroed bytes at a multiple of 8; 0, and nothing changes, if there is no room.
  Offset allocate(Region region, std::size_t size) noexcept;

  // Takes what allocate gave.
  void release(Region region, Offset object) noexcept;

  // Blocks that hold objects.
  std::uint32_t blocks_in_use(Region region) const noexcept;
};

}  // namespace numpool
