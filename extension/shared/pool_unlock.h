// Letting go of a live pool, with what is to be done then: the clerk is told what will be over
// there, what is over leaves the table of tokens, who waits until it is idle is woken, and since
// when it is idle is noted.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

void unlock_timed_pool(LivePool* live);
// No lock of the table of tokens held. Cannot fail.
inline void unlock_pool(LivePool* live) {
  debug_check(*live);
  const Pool& pool = live->pool;
  if (pool.tokens.records != 0 || pool.tokens.over != 0 || pool.resting != 0 || live->watched ||
      pool.is_ephemeral || pool.hold.due < live->noted_due)
    unlock_timed_pool(live);
  else
    LWLockRelease(&live->lock);
}

// Gives free numbers to waiters, a batch a lock. No numpool lock held; cannot fail.
void serve_waiters(Offset offset, const PoolKey& key, std::uint64_t generation);

// Ends all that is due, a batch a lock. No numpool lock held; cannot fail.
void end_all_due(Offset offset, const PoolKey& key, std::uint64_t generation);

// Whether anything is due in the pool, which is locked.
bool anything_due(LivePool& live);
// Ends what is due in the pool, which is locked, a batch at most; true if there may be more. Those
// in `wake` are for the caller to wake. Cannot fail.
bool end_due(LivePool& live, WakeList& wake);

}  // namespace numpool
