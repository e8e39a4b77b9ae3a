#include "core/slab_heap.h"

#include <cstring>

namespace numpool {

namespace {

struct Block {
  Offset next;
  Offset prev;
  Offset free;                // the object given back last; each names the one before
  std::uint32_t used;         // objects
  std::uint32_t next_unused;  // the number of the first object that has never been given
  std::uint32_t size_class;
};
static_assert(sizeof(Block) <= SlabHeap::kBlockHeader, "");
static_assert(SlabHeap::kBlockSize % 64 == 0, "blocks begin at multiples of 64");

constexpr std::size_t object_size(std::uint32_t size_class) noexcept {
  return SlabHeap::kObjectSizes[size_class];
}
constexpr std::uint32_t capacity(std::uint32_t size_class) noexcept {
  return static_cast<std::uint32_t>(SlabHeap::kMaxObject / object_size(size_class));
}

std::uint32_t class_of(std::size_t size) noexcept {
  std::uint32_t size_class = 0;
  while (object_size(size_class) < size) ++size_class;
  return size_class;
}

void link_block(Region region, Offset& list, Offset at) noexcept {
  Block& block = *region.array_at<Block>(at);
  block.prev = 0;
  block.next = list;
  if (list != 0) region.array_at<Block>(list)->prev = at;
  list = at;
}

void unlink_block(Region region, Offset& list, Offset at) noexcept {
  const Block& block = *region.array_at<Block>(at);
  if (block.prev == 0)
    list = block.next;
  else
    region.array_at<Block>(block.prev)->next = block.next;
  if (block.next != 0) region.array_at<Block>(block.next)->prev = block.prev;
}

// A block without objects, or 0.
Offset take_block(Region region, SlabHeap& heap) noexcept {
  if (heap.empty != 0) {
    const Offset at = heap.empty;
    heap.empty = region.array_at<Block>(at)->next;
    return at;
  }
  if (heap.next_unused == heap.block_count) return 0;
  return heap.first_block + SlabHeap::kBlockSize * heap.next_unused++;
}

}  // namespace

void SlabHeap::init(Offset start, std::size_t size) noexcept {
  *this = SlabHeap{};
  first_block = start;
  block_count = static_cast<std::uint32_t>(size / kBlockSize);
}

Offset SlabHeap::allocate(Region region, std::size_t size) noexcept {
  if (size > kMaxObject) return 0;
  const std::uint32_t size_class = class_of(size);
  Offset& list = partial[size_class];
  if (list == 0) {
    const Offset new_block = take_block(region, *this);
    if (new_block == 0) return 0;
    Block& block = *region.array_at<Block>(new_block);
    block = Block{};
    block.size_class = size_class;
    link_block(region, list, new_block);
  }
  const Offset at = list;
  Block& block = *region.array_at<Block>(at);
  Offset object = block.free;
  if (object != 0)
    block.free = *region.array_at<Offset>(object);
  else
    object = at + kBlockHeader + object_size(size_class) * block.next_unused++;
  if (++block.used == capacity(size_class)) unlink_block(region, list, at);
  std::memset(region.array_at<char>(object), 0, size);
  return object;
}

void SlabHeap::release(Region region, Offset object) noexcept {
  const Offset at = first_block + (object - first_block) / kBlockSize * kBlockSize;
  Block& block = *region.array_at<Block>(at);
  Offset& list = partial[block.size_class];
  *region.array_at<Offset>(object) = block.free;
  block.free = object;
  // The fullest is used first, so that the others may empty.
  if (block.used-- == capacity(block.size_class)) link_block(region, list, at);
  if (block.used != 0) return;
  unlink_block(region, list, at);
  block.next = empty;
  empty = at;
}

std::uint32_t SlabHeap::blocks_in_use(Region region) const noexcept {
  std::uint32_t count = next_unused;
  for (Offset at = empty; at != 0; at = region.array_at<Block>(at)->next) --count;
  return count;
}

}  // namespace numpool
