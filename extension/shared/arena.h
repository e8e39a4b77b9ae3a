// The shared memory of numpool: one segment of a configured size, made on first use and kept until
// the server stops. What lies in it is named by Offset (core/region.h). No later access maps
// memory, which is what lets commit, abort and exit run code that cannot fail.
#pragma once

#include "core/region.h"
#include "core/slab_heap.h"
#include "pg/pg.h"
#include "shared/session.h"

namespace numpool {

// What the segment begins with. Its members after `registry_lock` are guarded by it.
struct ArenaControl {
  std::atomic<SessionId> next_serial;     // of sessions
  std::atomic<std::int64_t> next_ticket;  // of tickets, for the whole server
  Offset sessions;                        // Session[session_count], by process number
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
  int pool_tranche;            // of the locks of pools
  Offset fences;               // FenceBlock list, one a sequence
};

// Attaches this backend: maps the segment, or makes it, and enters the session. Cheap when done
// before. Errors: 0A000 in single-user mode, 25006 on a standby, 55000 where another version made
// the segment, 53200 where it cannot be made.
void arena_attach();
bool arena_attached();

// Valid once attached.
ArenaControl& arena();
Region region();
Session& my_session();
// Its serial.
inline SessionId my_session_id() {
  return my_session().id.load(std::memory_order_relaxed);
}
int arena_pool_tranche();

// `size` zeroed bytes, or 0 when the segment is full even after idle pools were evicted. Call it
// with no numpool lock held.
Offset arena_try_allocate(std::size_t size);
// The same, or ereport 53200.
Offset arena_allocate(std::size_t size);
// Takes what arena_allocate gave, or 0. Cannot fail.
void arena_free(Offset offset);
[[noreturn]] void arena_report_full();

void arena_define_settings();

}  // namespace numpool
