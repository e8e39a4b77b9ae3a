// The shared memory of numpool: one segment of a configured size, made on first use and kept until
// the server stops (segment.h). What lies in it is named by Offset (core/region.h). No later access
// maps memory, which is what lets commit, abort and exit run code that cannot fail.
#pragma once

#include "core/region.h"
#include "core/slab_heap.h"
#include "pg/pg.h"

namespace numpool {

constexpr std::uint32_t kIdleMarks = 1024;

// What the segment begins with. Members after `registry_lock`, which name no other, are guarded by
// it.
struct ArenaControl {
  std::size_t size;                        // of the whole segment
  std::int64_t made_at;                    // by the monotonic clock
  std::atomic<std::uint64_t> next_serial;  // of sessions
  std::atomic<std::int64_t> next_ticket;   // of tickets, for the whole server
  std::atomic<std::uint64_t> next_wait;    // serials of waits, for the whole server
  std::atomic<std::int64_t> last_check;    // when the last check for deadlocks began
  std::atomic<bool> check_gave_up;         // one has, and said so
  Offset sessions;                         // Session[session_count], by process number
  std::uint32_t session_count;
  LWLock heap_lock;
  SlabHeap heap;  // most of the segment; guarded by heap_lock
  LWLock registry_lock;
  std::uint32_t bucket_count;  // a power of two
  Offset buckets;              // Offset[bucket_count], heads of the chains of live pools
  Offset headers;              // LivePool[header_count], an array of their own
  std::uint32_t header_count;
  std::uint32_t headers_used;  // those before it have been made; the others are raw memory
  Offset free_pools;           // headers of no pool, to be used again
  std::uint32_t free_pool_count;
  std::uint32_t headers_for_stubs;  // so many of all are kept for deletions
  int pool_tranche;                 // of the locks of pools
  Offset fences;                    // FenceRecord[fence_count], one a database
  std::uint32_t fence_count;
  std::uint64_t fence_uses;                  // of records, counted
  std::atomic<std::int64_t> waiter_records;  // of tickets
  std::atomic<std::int64_t> place_records;   // of kept places, or of what may become one
  Offset databases;                          // what was last seen of each (former_pools.cpp)
  LWLock token_lock;
  std::uint64_t token_seed;
  std::uint32_t token_bucket_count;  // a power of two
  Offset token_buckets;              // Offset[token_bucket_count]; guarded by token_lock
  // By hash of a pool's key: until when pools that are not live may have been in use
  // (idle_marks.h).
  std::atomic<std::int64_t> idle_marks[kIdleMarks];
  std::atomic<std::int64_t> timed_bytes;  // of the heap, that records of tokens take
  LWLock clerk_lock;
  Offset due_pools;                    // TimerHeap of live pools; guarded by clerk_lock
  int clerk_process;                   // the clerk's number, or -1; guarded by clerk_lock
  std::atomic<bool> clerk_is_started;  // as a worker that PostgreSQL starts again
  std::atomic<bool> clerk_is_missing;  // somebody needs one who may not fail for it
};

// Tells where the segment is mapped, once it is whole; nullptr when it is about to be unmapped.
// Cannot fail.
void arena_use(ArenaControl* mapped);
// What arena_use was told last. It is read all the time, so without a call; the attribute spares a
// detour by way of the library's table of symbols.
[[gnu::visibility("hidden")]] extern ArenaControl* mapped_arena;
inline bool arena_attached() {
  return mapped_arena != nullptr;
}

// Valid once attached.
inline ArenaControl& arena() {
  return *mapped_arena;
}
inline Region region() {
  return Region(mapped_arena);
}

// `size` zeroed bytes, or 0 when the heap is full. The one way in for allocations is pool_memory.h,
// which evicts idle pools then.
Offset arena_take(std::size_t size);
// Takes what arena_take gave, or 0. Cannot fail.
void arena_free(Offset offset);
[[noreturn]] void arena_report_full();

}  // namespace numpool
