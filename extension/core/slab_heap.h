// Memory of the region for records of up to kMaxObject bytes. It is cut into blocks of one size,
// each a slab of objects of one size class; a block whose objects are all free serves any class
// again. So it never has to find room between others, and an allocation that fails changes nothing.
// Blocks are small, so that records which stay behind, scattered, keep little else out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/region.h"

namespace numpool {

struct SlabHeap {
  // Sizes of objects: of slots, 40 times powers of two, of a waiter, and of a token's record. The
  // last fills a block.
  static constexpr std::size_t kObjectSizes[] = {40, 80, 96, 160, 192, 320, 640, 1280, 2592};
  static constexpr std::uint32_t kClassCount = sizeof(kObjectSizes) / sizeof(kObjectSizes[0]);
  static constexpr std::size_t kMaxObject = kObjectSizes[kClassCount - 1];
  static constexpr std::size_t kBlockHeader = 32;
  static constexpr std::size_t kBlockSize = kBlockHeader + kMaxObject;

  // A doubly linked list of blocks, by number; kNoBlock: none.
  static constexpr std::uint32_t kNoBlock = UINT32_MAX;
  struct BlockList {
    std::uint32_t head;
    std::uint32_t length;
  };

  Offset first_block;
  std::uint32_t block_count;
  std::uint32_t next_unused;      // the number of the first block that has never held an object
  BlockList empty;                // used before, with no object now
  BlockList sparse[kClassCount];  // with objects, and room for as many more
  BlockList dense[kClassCount];   // with objects, and room for fewer: used first, so that the
                                  // sparse ones may empty

  // Takes the `size` bytes at `start`, which is a multiple of 64 in an equally aligned region.
  void init(Offset start, std::size_t size) noexcept;

  // `size` zeroed bytes at a multiple of 8; 0, and nothing changes, if there is no room. O(size).
  Offset allocate(Region region, std::size_t size) noexcept;

  // Takes what allocate gave. O(1).
  void release(Region region, Offset object) noexcept;

  // Blocks that hold no object, and so serve any size.
  std::uint32_t blocks_free() const noexcept { return block_count - next_unused + empty.length; }
  std::uint32_t blocks_in_use() const noexcept { return block_count - blocks_free(); }
  // The largest object that there is room for now; 0: none at all.
  std::size_t largest_free() const noexcept;
  // Bytes that an object of `size` takes.
  static std::size_t object_size_for(std::size_t size) noexcept;
  // Objects of that size in one block.
  static std::uint32_t objects_per_block(std::size_t size) noexcept;
};

}  // namespace numpool
