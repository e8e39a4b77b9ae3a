// The live state of a pool in the arena, and the registry that finds it by the identity of its
// definition. Headers are type-stable: they go to a free list and back, never to the allocator, so
// that a remembered offset is always that of some LivePool, and (key, generation) under its lock
// tell whether it is still the one meant.
#pragma once

#include "shared/arena.h"
#include "core/pool.h"
#include "pg/debug_point.h"
#include "shared/fence.h"
#include "pg/pg.h"

namespace numpool {

// Never reused for another definition, so re-creation and DROP EXTENSION never meet stale state.
struct PoolKey {
  Oid database;
  Oid relation;  // the table of definitions
  std::int64_t identity;

  bool operator==(const PoolKey& other) const {
    return database == other.database && relation == other.relation && identity == other.identity;
  }
};

enum class LiveState : std::uint8_t {
  kFree,     // on the free list
  kLoading,  // in the registry; its row has not been read again since it was put there
  kLive,     // in the registry
  kDropped,  // out of the registry; whoever dropped it is taking it apart
};

constexpr std::size_t kCacheLine = 64;

// In cache lines of its own: pools do not slow each other.
struct alignas(kCacheLine) LivePool {
  LWLock lock;  // initialised once
  // Guarded by the registry lock.
  Offset next;  // in its chain, or on the free list
  // Changed under both locks, read under either.
  PoolKey key;
  std::uint64_t generation;
  LiveState state;
  // Guarded by `lock`.
  SessionId maker;            // whose transaction makes it and has not committed; 0: published
  std::uint32_t pins;         // uncommitted changes of its definition: not to be evicted
  TransactionId closing;      // of an uncommitted drop, else invalid
  SessionId closed_by;        // its session
  std::uint32_t name_length;  // bytes
  Offset name;
  Offset fences;  // FenceBlock; 0 in a stub
  Pool pool;
};

// A definition as its row says it.
struct Definition {
  std::int64_t identity;
  std::int32_t size;  // 0 (in no row): no more than a header, for a pool that is being dropped
  const char* name;   // in the server encoding
  bool own;           // the row is the open transaction's, not yet committed
  ItemPointerData row;
};

// The registered pool of that key, or 0. A hint: check it with lock_pool.
Offset find_live_pool(const PoolKey& key, std::uint64_t* generation);

// Registers a pool of that definition as kLoading if none is there; a stub as kLive and closing at
// once. `maker`: this session if its open transaction has made the row, else 0. Errors: 53200.
Offset register_live_pool(const PoolKey& key, const Definition& definition, SessionId maker,
                          Oid fence_sequence, std::uint64_t* generation);

// Whether the pool is no more than a header: it only says that its definition is being deleted.
inline bool is_stub(const LivePool& live) {
  return live.pool.size == 0;
}

// Marks the pool as being dropped by the open transaction, which has deleted its row. The pool is
// locked.
void close_live_pool(LivePool& live);

// Whether the live pool is as the definition says. The pool is locked.
bool says(const LivePool& live, const Definition& definition);

// Takes the pool's lock if `live` still is the pool of that key and generation. A pool that is
// kLoading counts.
bool lock_pool(Offset live, const PoolKey& key, std::uint64_t generation);
inline LivePool* live_pool_at(Offset live) {
  return region().at<LivePool>(live);
}
inline void unlock_pool(LivePool* live) {
  debug_check(*live);
  LWLockRelease(&live->lock);
}

inline GrantContext grant_context(const LivePool& live, TimestampTz now) {
  return {now, region().at<FenceBlock>(live.fences)->next};
}

// Takes a pool apart: waiters are dismissed, sessions with leases in it that listen are told,
// memory goes back. No numpool lock held; cannot fail. Nothing if it is not the pool meant any
// more.
void drop_live_pool(Offset live, const PoolKey& key, std::uint64_t generation);

// Gives free numbers to waiters, a batch a lock. No numpool lock held; cannot fail.
void serve_waiters(Offset live, const PoolKey& key, std::uint64_t generation);

// Finds memory for a pool of `size` beyond what it has. Errors: 53200; then free what is in
// `growth`.
void reserve_growth(Growth& growth, std::uint32_t chunk_count, std::uint32_t bitmap_capacity,
                    std::uint32_t size);
void free_growth(Growth& growth);

// Evicts some pools without leases, waiters or pins. False if there was none. No numpool lock held.
bool evict_idle_pools();

}  // namespace numpool
