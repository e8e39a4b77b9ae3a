// The live state of a pool in the arena. Headers are type-stable: they go to a free list and back,
// never to the allocator, so that a remembered offset is always that of some LivePool, and (key,
// generation) under its lock tell whether it is still the one meant.
#pragma once

#include "core/pool.h"
#include "core/timer_heap.h"
#include "pg/debug_point.h"
#include "pg/monotonic_clock.h"
#include "pg/pg.h"
#include "shared/arena.h"
#include "shared/definition.h"
#include "shared/fence.h"

namespace numpool {

// The name of a definition in shared memory. Identities come from a sequence, so another definition
// has the same key only if somebody inserts an identity by hand (README, rule D8).
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
  TimerNode due;  // in the clerk's heap; guarded by his lock
  // Guarded by `lock`.
  bool watched;            // somebody sleeps until it is idle, and is to be woken then
  std::int64_t noted_due;  // for when the clerk was told of something here; INT64_MAX: he was not
  SessionId maker;         // whose open transaction created the pool; 0: published
  // What committed definitions say; above pool.size while memory for it is missing.
  std::uint32_t defined_size;
  TransactionId closing;  // the transaction that has deleted its row, or invalid
  SessionId closed_by;    // its session
  // Grows with each change of pool.out.
  std::uint32_t service_version;
  std::uint32_t name_length;  // bytes; 0, but in a stub: no memory for it, the row has the name
  Offset name;
  Offset fences;  // FenceRecord; 0 in a stub
  Pool pool;
};

// Whether the pool is no more than a header: it only says that its definition is being deleted.
inline bool is_stub(const LivePool& live) {
  return live.pool.size == 0;
}

// Marks the pool as being dropped by the open transaction, which has deleted its row. The pool is
// locked.
void close_live_pool(LivePool& live);

// Whether the live pool is as the definition says. The pool is locked.
bool matches_definition(const LivePool& live, const Definition& definition);

// Sets which of the pool's numbers are out of service. The pool is locked. `*block` has room for
// the indexes, or is 0, and then nothing is given until somebody brings them; what the pool does
// not need any more is left there. serve_waiters is to follow. Cannot fail.
void set_service(LivePool& live, const OutList& list, Offset* block);
// Bytes of that room.
inline std::size_t service_bytes(const OutList& list) {
  return sizeof(std::uint16_t) * list.count;
}

// How long all numbers of a pool of these settings would rest if it were loaded now, in
// microseconds; 0: they would not. Where there is no arena it is made when somebody uses the pool.
std::int64_t rest_left_after_start(const PoolSettings& settings);

// Who held a number before the server's start, or on the server before this one, may not know yet
// that it does so no more. So what is free of `first` and above rests until death_delay after the
// arena was made. The pool, which is locked, was loaded or grew just now.
void rest_after_start(LivePool& live, std::uint32_t first);

// Takes the pool's lock if what is at `offset` still is the pool of that key and generation. A pool
// that is kLoading counts.
bool lock_pool(Offset offset, const PoolKey& key, std::uint64_t generation);
inline LivePool* live_pool_at(Offset live) {
  return region().at<LivePool>(live);
}
#ifdef NUMPOOL_DEBUG_POINTS
// Ends the server if the pool, which is locked, is not as the invariants say.
void debug_check(LivePool& live);
#else
inline void debug_check(LivePool&) {}
#endif
// The session that has the number of a slot in its hands, which is locked: its holder; of a token,
// who is about to release it; 0: nobody.
SessionId user_of_slot(const Slot& slot);

// The next fence, for whoever was let in (F2). The pool is locked.
inline std::int64_t take_fence(const LivePool& live) {
  return region()
      .array_at<FenceRecord>(live.fences)
      ->block.next.fetch_add(1, std::memory_order_relaxed);
}

// Of now, as PostgreSQL's clock says; 0: no waiter is to be granted anything.
inline GrantContext grant_context(const LivePool& live, TimestampTz now) {
  return {now, now == 0 ? 0 : monotonic_now(), region().at<FenceRecord>(live.fences)->block.next};
}

}  // namespace numpool
