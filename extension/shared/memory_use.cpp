#include "shared/memory_use.h"

#include "shared/pool_memory.h"

namespace numpool {

namespace {

// Blocks that a pool of `size` takes if nothing in use has room for any part of it.
std::uint32_t blocks_for(std::uint32_t size) {
  // Name and first chunks: four sizes of objects.
  constexpr std::uint32_t kSmallParts = 4;
  const std::uint32_t count = chunk::count_for(size);
  std::uint32_t blocks = kSmallParts + pages_for(count);
  if (count > chunk::kDoubling) blocks += count - chunk::kDoubling;
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i)
    if (FreeSet::segment_capacity(bitmap_capacity_for(size), i) != 0) ++blocks;
  return blocks;
}

std::uint32_t largest_pool_in(std::uint32_t blocks) {
  std::uint32_t fits = 0;
  std::uint32_t too_many = kMaxPoolSize + 1;
  while (too_many - fits > 1) {
    const std::uint32_t size = fits + (too_many - fits) / 2;
    if (blocks_for(size) <= blocks)
      fits = size;
    else
      too_many = size;
  }
  return fits;
}

std::size_t bytes_of(Offset object, std::size_t size) {
  return object == 0 ? 0 : SlabHeap::object_size_for(size);
}

// Bytes of the heap that a pool takes. The pool is locked.
std::int64_t heap_bytes(LivePool& live) {
  const Pool& pool = live.pool;
  std::size_t bytes = bytes_of(live.name, live.name_length) +
                      bytes_of(pool.wait_histogram, sizeof(WaitHistogram)) +
                      bytes_of(pool.out.indexes, sizeof(std::uint16_t) * pool.out.count);
  for (std::uint32_t k = 0; k < pool.chunk_count; ++k) bytes += sizeof(Slot) * chunk::slots(k);
  bytes += sizeof(Offset) * kPageLinks * pages_for(pool.chunk_count);
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i)
    if (pool.free_memory.bitmaps[i] != 0)
      bytes += FreeSet::segment_bytes(FreeSet::segment_capacity(pool.free_memory.capacity, i));
  return static_cast<std::int64_t>(bytes);
}

void count_pools(MemoryUse* use) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset* chains = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b) {
    for (Offset at = chains[b]; at != 0; at = live_pool_at(at)->next) {
      LivePool& live = *live_pool_at(at);
      LWLockAcquire(&live.lock, LW_SHARED);
      ++use->pools;
      if (is_idle(live)) use->idle += heap_bytes(live);
      LWLockRelease(&live.lock);
    }
  }
  LWLockRelease(&arena().registry_lock);
}

}  // namespace

MemoryUse memory_use() {
  MemoryUse use = {};
  use.size = static_cast<std::int64_t>(arena().size);
  use.most_pools = static_cast<std::int32_t>(arena().header_count - arena().headers_for_stubs);
  use.tickets = arena().waiter_records.load();
  count_pools(&use);

  LWLockAcquire(&arena().heap_lock, LW_SHARED);
  const std::uint32_t blocks = arena().heap.blocks_free();
  LWLockRelease(&arena().heap_lock);
  use.free = static_cast<std::int64_t>(blocks) * static_cast<std::int64_t>(SlabHeap::kBlockSize);
  use.largest_pool = static_cast<std::int32_t>(largest_pool_in(blocks));
  use.more_tickets =
      static_cast<std::int64_t>(blocks) * SlabHeap::objects_per_block(sizeof(Waiter));
  return use;
}

}  // namespace numpool
