#include "shared/pool_memory.h"

#include "shared/registry.h"

namespace numpool {

namespace {

// Pools that one call of evict_idle_pools takes at most.
constexpr int kEvictionBatch = 64;

bool find_growth(Growth& growth, std::uint32_t chunk_count, std::uint32_t bitmap_capacity,
                 std::uint32_t size) {
  const bool wants_directory =
      chunk_count <= chunk::kDoubling && chunk::count_for(size) > chunk::kDoubling;
  if (wants_directory && growth.directory == 0)
    growth.directory = arena_try_allocate(sizeof(Offset) * kDirectorySize);
  if (wants_directory && growth.directory == 0) return false;
  for (std::uint32_t k = chunk_count; k < chunk::count_for(size); ++k) {
    if (growth.chunks[k] == 0)
      growth.chunks[k] = arena_try_allocate(sizeof(Slot) * chunk::slots(k));
    if (growth.chunks[k] == 0) return false;
  }
  const std::uint32_t capacity = bitmap_capacity_for(size);
  if (capacity <= bitmap_capacity || capacity <= growth.bitmap_capacity) return true;
  const Offset bitmap = arena_try_allocate(sizeof(std::uint64_t) * Bitmap::words_needed(capacity));
  if (bitmap == 0) return false;
  arena_free(growth.bitmap);
  growth.bitmap = bitmap;
  growth.bitmap_capacity = capacity;
  return true;
}

Offset find_header() {
  do {
    const Offset header = take_free_header();
    if (header != 0) return header;
  } while (evict_idle_pools());
  return 0;
}

bool is_idle(const LivePool& live) {
  return live.pool.in_use == 0 && live.pool.queue.length == 0 && live.pins == 0 &&
         live.closing == InvalidTransactionId && live.maker == 0;
}

}  // namespace

Offset arena_try_allocate(std::size_t size) {
  for (;;) {
    const Offset offset = arena_take(size);
    if (offset != 0) return offset;
    if (!evict_idle_pools()) return 0;
  }
}

Offset arena_allocate(std::size_t size) {
  const Offset offset = arena_try_allocate(size);
  if (offset == 0) arena_report_full();
  return offset;
}

bool find_parts(PoolParts& parts, const Definition& definition, std::size_t name_length) {
  parts.header = find_header();
  if (parts.header == 0) return false;
  if (definition.size == 0) return true;
  parts.name = arena_try_allocate(name_length);
  parts.fences = arena_try_allocate(sizeof(FenceBlock));
  return parts.name != 0 && parts.fences != 0 &&
         find_growth(parts.growth, 0, Bitmap::kBitsPerWord,
                     static_cast<std::uint32_t>(definition.size));
}

void free_parts(PoolParts& parts) {
  arena_free(parts.name);
  arena_free(parts.fences);
  free_growth(parts.growth);
  if (parts.header != 0) give_back_header(parts.header);
}

void take_apart(Offset offset) {
  LivePool* live = live_pool_at(offset);
  PoolParts parts = {};
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  parts.header = offset;
  parts.name = live->name;
  parts.growth.bitmap = live->pool.bitmap;
  for (std::uint32_t k = 0; k < live->pool.chunk_count; ++k)
    parts.growth.chunks[k] = live->pool.chunk_link(region(), k);
  parts.growth.directory = live->pool.directory;
  live->name = 0;
  live->fences = 0;
  live->pool = Pool{};
  live->state = LiveState::kFree;
  ++live->generation;
  LWLockRelease(&live->lock);
  free_parts(parts);
}

void reserve_growth(Growth& growth, std::uint32_t chunk_count, std::uint32_t bitmap_capacity,
                    std::uint32_t size) {
  const Growth before = growth;
  if (find_growth(growth, chunk_count, bitmap_capacity, size)) return;
  // What an earlier change of the transaction relies on stays.
  for (std::uint32_t k = 0; k < chunk::kMaxCount; ++k)
    if (before.chunks[k] != 0) growth.chunks[k] = 0;
  if (before.directory != 0) growth.directory = 0;
  growth.bitmap = 0;
  free_growth(growth);
  growth = before;
  arena_report_full();
}

void free_growth(Growth& growth) {
  for (Offset& chunk : growth.chunks) {
    arena_free(chunk);
    chunk = 0;
  }
  arena_free(growth.directory);
  growth.directory = 0;
  arena_free(growth.bitmap);
  growth.bitmap = 0;
  growth.bitmap_capacity = 0;
}

bool evict_idle_pools(Oid database) {
  static std::uint32_t clock_hand = 0;
  Offset evicted[kEvictionBatch];
  int count = 0;
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  Offset* buckets = region().at<Offset>(arena().buckets);
  for (std::uint32_t step = 0; step < arena().bucket_count && count < kEvictionBatch; ++step) {
    clock_hand = (clock_hand + 1) & (arena().bucket_count - 1);
    Offset* link = &buckets[clock_hand];
    while (*link != 0 && count < kEvictionBatch) {
      const Offset at = *link;
      LivePool* live = live_pool_at(at);
      LWLockAcquire(&live->lock, LW_EXCLUSIVE);
      if ((database == InvalidOid || live->key.database == database) && is_idle(*live)) {
        unregister_at(link);
        evicted[count++] = at;
      } else {
        link = &live->next;
      }
      LWLockRelease(&live->lock);
    }
  }
  LWLockRelease(&arena().registry_lock);
  for (int i = 0; i < count; ++i) take_apart(evicted[i]);
  return count > 0;
}

}  // namespace numpool
