// Whether a pool is vacant, for those who wait for that, and since when it has been unused, for the
// setting ephemeral. As in core/pool.h the caller holds the pool's lock and brings the time.
#pragma once

#include "core/pool.h"

namespace numpool {

// Whether nobody holds a number of the pool, nor waits for one that might be given. A drained pool
// gives none, so those who wait there do not count.
inline bool is_vacant(const Pool& pool) noexcept {
  return pool.in_use == 0 && (pool.queue.length == 0 || pool.out.drained);
}

// Whether nobody holds a number of the pool or waits for one, and none rests.
inline bool is_unused(const Pool& pool) noexcept {
  return pool.in_use == 0 && pool.queue.length == 0 && pool.resting == 0;
}

// To be called whenever an ephemeral pool may have changed, before it is unlocked.
inline void note_idle(Pool& pool, std::int64_t monotonic) noexcept {
  if (!is_unused(pool))
    pool.idle_since = 0;
  else if (pool.idle_since == 0)
    pool.idle_since = monotonic;
}

}  // namespace numpool
