#include "shared/registry.h"

#include "shared/due_pools.h"

namespace numpool {

namespace {

// Under the registry lock.
Offset make_header() {
  if (arena().headers_used == arena().header_count) return 0;
  const Offset header = arena().headers + sizeof(LivePool) * arena().headers_used++;
  LivePool* live = new (live_pool_at(header)) LivePool{};
  LWLockInitialize(&live->lock, arena().pool_tranche);
  live->generation = 1;
  return header;
}

}  // namespace

Offset* chain_of(const PoolKey& key) {
  std::uint64_t hash = static_cast<std::uint64_t>(key.identity) * 0x9e3779b97f4a7c15u;
  hash ^= (static_cast<std::uint64_t>(key.database) << 32 | key.relation) * 0xc2b2ae3d27d4eb4fu;
  return &region().at<Offset>(arena().buckets)[(hash >> 32) & (arena().bucket_count - 1)];
}

Offset find_in_chain(const PoolKey& key) {
  Offset at = *chain_of(key);
  while (at != 0 && !(live_pool_at(at)->key == key)) at = live_pool_at(at)->next;
  return at;
}

void unregister_at(Offset* link) {
  LivePool* live = live_pool_at(*link);
  *link = live->next;
  live->state = LiveState::kDropped;
  fence_disuse(live->fences);
  forget_due(*live);
}

Offset find_live_pool(const PoolKey& key, std::uint64_t* generation) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset at = find_in_chain(key);
  if (at != 0) *generation = live_pool_at(at)->generation;
  LWLockRelease(&arena().registry_lock);
  return at;
}

Offset take_free_header(bool for_stub) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  Offset header = 0;
  const std::uint32_t left = arena().header_count - arena().headers_used + arena().free_pool_count;
  if (for_stub || left > arena().headers_for_stubs) header = arena().free_pools;
  if (header != 0) {
    arena().free_pools = live_pool_at(header)->next;
    --arena().free_pool_count;
  } else if (for_stub || left > arena().headers_for_stubs) {
    header = make_header();
  }
  LWLockRelease(&arena().registry_lock);
  return header;
}

void give_back_header(Offset header) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  live_pool_at(header)->next = arena().free_pools;
  arena().free_pools = header;
  ++arena().free_pool_count;
  LWLockRelease(&arena().registry_lock);
}

}  // namespace numpool
