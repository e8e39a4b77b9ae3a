#include "core/slab_heap.h"

#include <cstring>

namespace numpool {

namespace {

struct Block {
  std::uint32_t next;  // in its list, by number
  std::uint32_t prev;
  std::uint32_t size_class;
  std::uint16_t used;         // objects
  std::uint16_t next_unused;  // the number of the first object that has never been given
  Offset free;                // the object given back last; each names the one before
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

Offset place_of(const SlabHeap& heap, std::uint32_t number) noexcept {
  return heap.first_block + SlabHeap::kBlockSize * number;
}
Block& block_at(Region region, const SlabHeap& heap, std::uint32_t number) noexcept {
  return *region.array_at<Block>(place_of(heap, number));
}

void link_block(Region region, const SlabHeap& heap, SlabHeap::BlockList& list,
                std::uint32_t number) noexcept {
  Block& block = block_at(region, heap, number);
  block.prev = SlabHeap::kNoBlock;
  block.next = list.head;
  if (list.head != SlabHeap::kNoBlock) block_at(region, heap, list.head).prev = number;
  list.head = number;
  ++list.length;
}

void unlink_block(Region region, const SlabHeap& heap, SlabHeap::BlockList& list,
                  std::uint32_t number) noexcept {
  const Block& block = block_at(region, heap, number);
  if (block.prev == SlabHeap::kNoBlock)
    list.head = block.next;
  else
    block_at(region, heap, block.prev).next = block.next;
  if (block.next != SlabHeap::kNoBlock) block_at(region, heap, block.next).prev = block.prev;
  --list.length;
}

// The list in which a block with so many objects belongs; nullptr: none, since it is full.
SlabHeap::BlockList* list_for(SlabHeap& heap, std::uint32_t size_class,
                              std::uint32_t used) noexcept {
  if (used == 0) return &heap.empty;
  if (used == capacity(size_class)) return nullptr;
  return used * 2 > capacity(size_class) ? &heap.dense[size_class] : &heap.sparse[size_class];
}

// Notes that the block, which had `used` objects, has `now_used`.
void set_used(Region region, SlabHeap& heap, std::uint32_t number,
              std::uint32_t now_used) noexcept {
  Block& block = block_at(region, heap, number);
  SlabHeap::BlockList* before = list_for(heap, block.size_class, block.used);
  SlabHeap::BlockList* after = list_for(heap, block.size_class, now_used);
  block.used = static_cast<std::uint16_t>(now_used);
  if (before == after) return;
  if (before != nullptr) unlink_block(region, heap, *before, number);
  if (after != nullptr) link_block(region, heap, *after, number);
}

// A block with room for an object of that class, the fuller ones first; kNoBlock if there is none.
std::uint32_t find_block(Region region, SlabHeap& heap, std::uint32_t size_class) noexcept {
  if (heap.dense[size_class].length != 0) return heap.dense[size_class].head;
  if (heap.sparse[size_class].length != 0) return heap.sparse[size_class].head;
  std::uint32_t number = heap.empty.head;
  if (number == SlabHeap::kNoBlock) {
    if (heap.next_unused == heap.block_count) return SlabHeap::kNoBlock;
    number = heap.next_unused++;
    link_block(region, heap, heap.empty, number);
  }
  Block& block = block_at(region, heap, number);
  block.size_class = size_class;
  block.used = 0;
  block.next_unused = 0;
  block.free = 0;
  return number;
}

}  // namespace

void SlabHeap::init(Offset start, std::size_t size) noexcept {
  *this = SlabHeap{};
  first_block = start;
  block_count = static_cast<std::uint32_t>(size / kBlockSize);
  empty = {kNoBlock, 0};
  for (std::uint32_t i = 0; i < kClassCount; ++i) sparse[i] = dense[i] = {kNoBlock, 0};
}

Offset SlabHeap::allocate(Region region, std::size_t size) noexcept {
  if (size > kMaxObject) return 0;
  const std::uint32_t size_class = class_of(size);
  const std::uint32_t number = find_block(region, *this, size_class);
  if (number == kNoBlock) return 0;
  Block& block = block_at(region, *this, number);
  Offset object = block.free;
  if (object != 0)
    block.free = *region.array_at<Offset>(object);
  else
    object = place_of(*this, number) + kBlockHeader + object_size(size_class) * block.next_unused++;
  set_used(region, *this, number, block.used + std::uint32_t{1});
  std::memset(region.array_at<char>(object), 0, size);
  return object;
}

void SlabHeap::release(Region region, Offset object) noexcept {
  const auto number = static_cast<std::uint32_t>((object - first_block) / kBlockSize);
  Block& block = block_at(region, *this, number);
  *region.array_at<Offset>(object) = block.free;
  block.free = object;
  set_used(region, *this, number, block.used - std::uint32_t{1});
}

std::size_t SlabHeap::largest_free() const noexcept {
  if (blocks_free() != 0) return kMaxObject;
  for (std::uint32_t i = kClassCount; i-- > 0;)
    if (sparse[i].length != 0 || dense[i].length != 0) return kObjectSizes[i];
  return 0;
}

std::size_t SlabHeap::object_size_for(std::size_t size) noexcept {
  return object_size(class_of(size));
}

std::uint32_t SlabHeap::objects_per_block(std::size_t size) noexcept {
  return capacity(class_of(size));
}

}  // namespace numpool
