// A copy of who waits for whom in the whole server: one look at queues, slots and locks, each under
// its own lock for as long as it takes to copy a part of it.
#pragma once

#include "backend/lock_waits.h"
#include "core/wait_graph.h"
#include "pg/palloc_list.h"
#include "shared/live_pool.h"
#include "shared/session.h"

extern "C" {
#include "portability/instr_time.h"
}

namespace numpool {

// A session of the graph.
struct CopiedSession {
  int pid;
  SessionId sleeper;  // in a queue; 0: it sleeps for a lock
};

struct CopiedPool {
  Offset live;
  std::uint64_t generation;
  Oid database;
};

struct DeadlockCopy {
  // As in WaitGraph, and beside each what the graph need not know.
  PallocList<GraphSession> sessions;
  PallocList<CopiedSession> who;
  PallocList<GraphPool> pools;
  PallocList<CopiedPool> pool_info;
  PallocList<GraphWait> waits;
  PallocList<GraphHolding> holdings;
  PallocList<std::uint32_t> blockers;
  PallocList<std::uint32_t> blocker_waits;  // in lock_waits, by blocker
  PallocList<LockWait> lock_waits;
  std::uint32_t slots_seen;
  double longest_hold;  // milliseconds, of a lock that others may wait for

  WaitGraph graph() const {
    return {sessions.items, pools.items, waits.items, holdings.items, blockers.items,
            sessions.count, pools.count, waits.count, holdings.count, blockers.count};
  }
};

// What one look may copy. A server with more to look at is not checked.
constexpr std::uint32_t kMostSessions = 10000;
constexpr std::uint32_t kMostEdges = 10000;
constexpr std::uint32_t kMostSlots = 1000000;

// The first look: at all who sleep without a timeout of their own. False: there is too much.
bool look_at_all(DeadlockCopy* copy);
// The second look: at those who were stuck by the first, and are still in the same wait.
bool look_again(DeadlockCopy* copy, const DeadlockCopy& first, const StuckSet& stuck);

}  // namespace numpool
