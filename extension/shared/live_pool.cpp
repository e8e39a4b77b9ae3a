#include "shared/live_pool.h"

#include "shared/arena.h"
#include "shared/session.h"

namespace numpool {

namespace {

// Pools that one call of evict_idle_pools takes at most.
constexpr int kEvictionBatch = 64;

Offset* bucket_of(const PoolKey& key) {
  std::uint64_t hash = static_cast<std::uint64_t>(key.identity) * 0x9e3779b97f4a7c15u;
  hash ^= (static_cast<std::uint64_t>(key.database) << 32 | key.relation) * 0xc2b2ae3d27d4eb4fu;
  return &region().at<Offset>(arena().buckets)[(hash >> 32) & (arena().bucket_count - 1)];
}

// Under the registry lock.
Offset find_in_chain(const PoolKey& key) {
  Offset at = *bucket_of(key);
  while (at != 0 && !(live_pool_at(at)->key == key)) at = live_pool_at(at)->next;
  return at;
}

// Takes the pool at `*link` of its chain out of the registry. Under the registry lock and its own.
void unregister_at(Offset* link) {
  LivePool* live = live_pool_at(*link);
  *link = live->next;
  live->state = LiveState::kDropped;
  fence_disuse(live->fences);
}

// The memory that a new pool needs, found before any lock is taken.
struct Parts {
  Offset header;
  Offset name;
  Offset fences;  // a FenceBlock, in case the sequence has none yet
  Growth growth;
};

void free_parts(Parts& parts) {
  arena_free(parts.name);
  arena_free(parts.fences);
  free_growth(parts.growth);
  if (parts.header == 0) return;
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  live_pool_at(parts.header)->next = arena().free_pools;
  arena().free_pools = parts.header;
  LWLockRelease(&arena().registry_lock);
}

// Under the registry lock.
Offset make_header() {
  if (arena().headers_used == arena().header_count) return 0;
  const Offset header = arena().headers + sizeof(LivePool) * arena().headers_used++;
  LivePool* live = new (live_pool_at(header)) LivePool{};
  LWLockInitialize(&live->lock, arena_pool_tranche());
  live->generation = 1;
  return header;
}

Offset take_free_header() {
  do {
    LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
    Offset header = arena().free_pools;
    if (header != 0)
      arena().free_pools = live_pool_at(header)->next;
    else
      header = make_header();
    LWLockRelease(&arena().registry_lock);
    if (header != 0) return header;
  } while (evict_idle_pools());
  return 0;
}

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

bool find_parts(Parts& parts, const Definition& definition, std::size_t name_length) {
  parts.header = take_free_header();
  if (parts.header == 0) return false;
  if (definition.size == 0) return true;
  parts.name = arena_try_allocate(name_length);
  parts.fences = arena_try_allocate(sizeof(FenceBlock));
  return parts.name != 0 && parts.fences != 0 &&
         find_growth(parts.growth, 0, Bitmap::kBitsPerWord,
                     static_cast<std::uint32_t>(definition.size));
}

// Frees what a pool that is out of the registry and kDropped owns, and its header.
void take_apart(Offset offset) {
  LivePool* live = live_pool_at(offset);
  Parts parts = {};
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

// Of a dropped pool: nobody changes its slots any more.
void tell_holders(LivePool& live) {
  const std::uint32_t capacity = chunk::capacity(live.pool.chunk_count);
  for (std::uint32_t index = 0; index < capacity; ++index) {
    const Slot& slot = live.pool.slot(region(), index);
    if (slot.holder == 0) continue;
    Session* session = find_session(slot.holder);
    if (session == nullptr) continue;
    session->lost_leases.store(true, std::memory_order_release);
    if (session->listens.load(std::memory_order_acquire)) signal_session(*session);
  }
}

bool is_idle(const LivePool& live) {
  return live.pool.in_use == 0 && live.pool.queue.length == 0 && live.pins == 0 &&
         live.closing == InvalidTransactionId && live.maker == 0;
}

}  // namespace

Offset find_live_pool(const PoolKey& key, std::uint64_t* generation) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset at = find_in_chain(key);
  if (at != 0) *generation = live_pool_at(at)->generation;
  LWLockRelease(&arena().registry_lock);
  return at;
}

Offset register_live_pool(const PoolKey& key, const Definition& definition, SessionId maker,
                          Oid fence_sequence, std::uint64_t* generation) {
  Parts parts = {};
  const std::size_t name_length = strlen(definition.name);
  if (!find_parts(parts, definition, name_length)) {
    free_parts(parts);
    arena_report_full();
  }

  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  const Offset found = find_in_chain(key);
  if (found != 0) {
    *generation = live_pool_at(found)->generation;
    LWLockRelease(&arena().registry_lock);
    free_parts(parts);
    return found;
  }
  LivePool* live = live_pool_at(parts.header);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  live->key = key;
  live->state = LiveState::kLoading;
  live->maker = maker;
  live->pins = 0;
  live->closing = InvalidTransactionId;
  live->closed_by = 0;
  // NB: a stub says nothing that a row could say, so whoever loads the pool would drop it if it
  // were loading.
  if (definition.size == 0) {
    live->state = LiveState::kLive;
    close_live_pool(*live);
  }
  live->name = parts.name;
  live->name_length = 0;
  live->fences = 0;
  if (definition.size != 0) {
    memcpy(region().at<char>(parts.name), definition.name, name_length);
    live->name_length = static_cast<std::uint32_t>(name_length);
    live->fences = fence_use(fence_sequence, &parts.fences);
  }
  pool_init(region(), live->pool, static_cast<std::uint32_t>(definition.size), parts.growth,
            GetCurrentTimestamp());
  *generation = live->generation;
  Offset* bucket = bucket_of(key);
  live->next = *bucket;
  *bucket = parts.header;
  LWLockRelease(&live->lock);
  LWLockRelease(&arena().registry_lock);
  arena_free(parts.fences);
  return parts.header;
}

void close_live_pool(LivePool& live) {
  live.closing = GetCurrentTransactionIdIfAny();
  live.closed_by = my_session_id();
}

bool says(const LivePool& live, const Definition& definition) {
  return live.pool.size == static_cast<std::uint32_t>(definition.size) &&
         live.name_length == strlen(definition.name) &&
         memcmp(region().at<char>(live.name), definition.name, live.name_length) == 0;
}

bool lock_pool(Offset offset, const PoolKey& key, std::uint64_t generation) {
  if (offset == 0) return false;
  LivePool* live = live_pool_at(offset);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  if (live->generation == generation && live->key == key &&
      (live->state == LiveState::kLive || live->state == LiveState::kLoading))
    return true;
  LWLockRelease(&live->lock);
  return false;
}

void drop_live_pool(Offset offset, const PoolKey& key, std::uint64_t generation) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  if (!lock_pool(offset, key, generation)) {
    LWLockRelease(&arena().registry_lock);
    return;
  }
  LivePool* live = live_pool_at(offset);
  Offset* link = bucket_of(key);
  while (*link != offset) link = &live_pool_at(*link)->next;
  unregister_at(link);
  LWLockRelease(&live->lock);
  LWLockRelease(&arena().registry_lock);

  debug_point(DebugPoint::kUnregistered);
  WakeList wake;
  bool more = true;
  while (more) {
    LWLockAcquire(&live->lock, LW_EXCLUSIVE);
    more = pool_dismiss(region(), live->pool, wake);
    LWLockRelease(&live->lock);
    wake_all(wake);
  }
  debug_point(DebugPoint::kDismissed);
  tell_holders(*live);
  take_apart(offset);
}

void serve_waiters(Offset offset, const PoolKey& key, std::uint64_t generation) {
  WakeList wake;
  bool more = true;
  while (more && lock_pool(offset, key, generation)) {
    LivePool* live = live_pool_at(offset);
    more = pool_serve(region(), live->pool, grant_context(*live, GetCurrentTimestamp()), wake);
    unlock_pool(live);
    wake_all(wake);
  }
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

bool evict_idle_pools() {
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
      if (is_idle(*live)) {
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
