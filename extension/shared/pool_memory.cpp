#include "shared/pool_memory.h"

#include "core/idle_time.h"
#include "shared/database_record.h"
#include "shared/idle_marks.h"
#include "shared/registry.h"
#include "shared/token_table.h"

namespace numpool {

namespace {

// Pools that one call of evict_idle_pools takes at most.
constexpr int kEvictionBatch = 64;

int own_waiters = 0;

// Finds what `wanted` lacks for a pool of `size` beyond `had`.
bool find_lacking(const Growth& wanted, std::uint32_t had, std::uint32_t size, Growth* found) {
  const std::uint32_t count = chunk::count_for(size);
  for (std::uint32_t page = pages_for(chunk::count_for(had)); page < pages_for(count); ++page) {
    if (wanted.pages[page] != 0) continue;
    found->pages[page] = arena_try_allocate(sizeof(Offset) * kPageLinks);
    if (found->pages[page] == 0) return false;
  }
  for (std::uint32_t k = chunk::count_for(had); k < count; ++k) {
    if (wanted.chunks[k] != 0) continue;
    found->chunks[k] = arena_try_allocate(sizeof(Slot) * chunk::slots(k));
    if (found->chunks[k] == 0) return false;
  }
  const std::uint32_t capacity = bitmap_capacity_for(size);
  const std::uint32_t had_capacity = bitmap_capacity_for(had);
  if (capacity <= had_capacity || capacity <= wanted.bitmap_capacity) return true;
  found->bitmap_capacity = capacity;
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i) {
    const std::uint32_t numbers = FreeSet::segment_capacity(capacity, i);
    const bool has_it = had_capacity > Bitmap::kBitsPerWord &&
                        FreeSet::segment_capacity(had_capacity, i) == numbers;
    if (numbers == 0 || has_it) continue;
    if (FreeSet::segment_capacity(wanted.bitmap_capacity, i) == numbers && wanted.bitmaps[i] != 0)
      continue;
    found->bitmaps[i] = arena_try_allocate(FreeSet::segment_bytes(numbers));
    if (found->bitmaps[i] == 0) return false;
  }
  return true;
}

// Moves what is in `from` to `to`; it takes the place of what is there.
void move_growth(Growth& from, Growth& to) {
  const auto move = [](Offset& source, Offset& target) {
    if (source == 0) return;
    arena_free(target);
    target = source;
    source = 0;
  };
  for (std::uint32_t k = 0; k < chunk::kMaxCount; ++k) move(from.chunks[k], to.chunks[k]);
  for (std::uint32_t page = 0; page < kMaxPages; ++page) move(from.pages[page], to.pages[page]);
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i) move(from.bitmaps[i], to.bitmaps[i]);
  if (from.bitmap_capacity != 0) to.bitmap_capacity = from.bitmap_capacity;
}

Offset find_fences() {
  do {
    LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
    const Offset fences = fence_use();
    LWLockRelease(&arena().registry_lock);
    if (fences != 0) return fences;
  } while (evict_idle_pools());
  return 0;
}

Offset find_header(bool for_stub) {
  do {
    const Offset header = take_free_header(for_stub);
    if (header != 0) return header;
  } while (evict_idle_pools());
  return 0;
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

Offset try_allocate_waiter() {
  arena().waiter_records.fetch_add(1);
  const Offset waiter = arena_try_allocate(sizeof(Waiter));
  if (waiter == 0)
    arena().waiter_records.fetch_sub(1);
  else
    ++own_waiters;
  return waiter;
}

void free_waiter(Offset waiter) {
  if (waiter == 0) return;
  arena_free(waiter);
  arena().waiter_records.fetch_sub(1);
  --own_waiters;
}

int own_waiter_records() {
  return own_waiters;
}

bool find_parts(PoolParts& parts, const Definition& definition, std::uint32_t capacity) {
  parts.header = find_header(definition.size == 0);
  if (parts.header == 0) return false;
  if (definition.size == 0) return true;
  parts.name = arena_try_allocate(strlen(definition.name));
  parts.fences = find_fences();
  const std::size_t service = service_bytes(definition.out);
  if (service != 0) parts.service = arena_try_allocate(service);
  return (service == 0 || parts.service != 0) && parts.name != 0 && parts.fences != 0 &&
         reserve_growth(parts.growth, 0,
                        Max(static_cast<std::uint32_t>(definition.size), capacity));
}

void free_parts(PoolParts& parts) {
  arena_free(parts.name);
  arena_free(parts.service);
  free_growth(parts.growth);
  if (parts.fences != 0) {
    LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
    fence_disuse(parts.fences);
    LWLockRelease(&arena().registry_lock);
  }
  if (parts.header != 0) give_back_header(parts.header);
}

void take_apart(Offset offset) {
  LivePool* live = live_pool_at(offset);
  PoolParts parts = {};
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  parts.header = offset;
  parts.name = live->name;
  const Offset wait_histogram = live->pool.wait_histogram;
  parts.service = live->pool.out.indexes;
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i)
    parts.growth.bitmaps[i] = live->pool.free_memory.bitmaps[i];
  for (std::uint32_t k = 0; k < live->pool.chunk_count; ++k)
    parts.growth.chunks[k] = live->pool.chunk_link(region(), k);
  for (std::uint32_t page = 0; page < kMaxPages; ++page)
    parts.growth.pages[page] = live->pool.pages[page];
  live->name = 0;
  live->watched = false;
  live->fences = 0;
  live->pool = Pool{};
  live->state = LiveState::kFree;
  ++live->generation;
  LWLockRelease(&live->lock);
  arena_free(wait_histogram);
  free_parts(parts);
}

void add_wait_histogram(Offset offset, const PoolKey& key, std::uint64_t generation) {
  Offset histogram = arena_try_allocate(sizeof(WaitHistogram));
  if (histogram == 0 || !lock_pool(offset, key, generation)) {
    arena_free(histogram);
    return;
  }
  LivePool* live = live_pool_at(offset);
  if (live->pool.wait_histogram == 0) {
    live->pool.wait_histogram = histogram;
    histogram = 0;
  }
  LWLockRelease(&live->lock);
  arena_free(histogram);
}

bool reserve_growth(Growth& growth, std::uint32_t had, std::uint32_t size) {
  Growth found = {};
  const bool is_whole = find_lacking(growth, had, size, &found);
  if (is_whole) move_growth(found, growth);
  // What an earlier change of the transaction relies on stays.
  free_growth(found);
  return is_whole;
}

void free_growth(Growth& growth) {
  for (Offset& chunk : growth.chunks) {
    arena_free(chunk);
    chunk = 0;
  }
  for (Offset& page : growth.pages) {
    arena_free(page);
    page = 0;
  }
  for (Offset& bitmap : growth.bitmaps) {
    arena_free(bitmap);
    bitmap = 0;
  }
  growth.bitmap_capacity = 0;
}

bool is_idle(const LivePool& live) {
  return is_unused(live.pool) && live.pool.tokens.records == 0 &&
         live.closing == InvalidTransactionId && live.maker == 0;
}

namespace {

// What a pool that is out of the registry had in it, if its database is gone: there is no session
// left that could hold or want anything, but there may be tokens.
void end_without_sessions(LivePool& live) {
  bool more = true;
  while (more) {
    WakeList nobody;
    LWLockAcquire(&live.lock, LW_EXCLUSIVE);
    more = pool_dismiss(region(), live.pool, nobody);
    LWLockRelease(&live.lock);
  }
  end_tokens_of(live);
}

// Evicts some pools: those that are idle, or all of a database that is gone.
bool evict_pools(Oid gone) {
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
      if (gone == InvalidOid ? is_idle(*live) : live->key.database == gone) {
        if (live->pool.is_ephemeral) note_use(live->key, live->pool.idle_since);
        unregister_at(link);
        evicted[count++] = at;
      } else {
        link = &live->next;
      }
      LWLockRelease(&live->lock);
    }
  }
  LWLockRelease(&arena().registry_lock);
  for (int i = 0; i < count; ++i) {
    if (gone != InvalidOid) end_without_sessions(*live_pool_at(evicted[i]));
    take_apart(evicted[i]);
  }
  return count > 0;
}

}  // namespace

bool evict_idle_pools() {
  return evict_pools(InvalidOid) || evict_pools_of_gone_database();
}

bool evict_pools_of_gone_database() {
  for (Oid gone = find_gone_database(InvalidOid); gone != InvalidOid;
       gone = find_gone_database(gone))
    if (evict_pools(gone)) return true;
  return false;
}

}  // namespace numpool
