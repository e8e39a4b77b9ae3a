#include "shared/pool_unlock.h"

#include "core/idle_time.h"
#include "core/timed_lease.h"
#include "shared/due_pools.h"
#include "shared/idle_watch.h"
#include "shared/lease_end.h"
#include "shared/session.h"
#include "shared/token_table.h"

namespace numpool {

void unlock_timed_pool(LivePool* live) {
  note_due(*live);
  if (live->pool.is_ephemeral) note_idle(live->pool, monotonic_now());
  const Offset over = live->pool.tokens.over;
  live->pool.tokens.over = 0;
  const bool is_vacant_now = live->watched && is_vacant(live->pool);
  if (is_vacant_now) live->watched = false;
  LWLockRelease(&live->lock);
  finish_over(over);
  if (is_vacant_now) wake_watchers(region().offset_of(live));
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

void end_all_due(Offset offset, const PoolKey& key, std::uint64_t generation) {
  WakeList wake;
  bool more = true;
  while (more && lock_pool(offset, key, generation)) {
    LivePool* live = live_pool_at(offset);
    more = end_due(*live, wake);
    unlock_pool(live);
    wake_all(wake);
  }
}

bool anything_due(LivePool& live) {
  const std::int64_t next = pool_next_due(region(), live.pool);
  return next != INT64_MAX && next <= monotonic_now();
}

bool end_due(LivePool& live, WakeList& wake) {
  const bool more =
      pool_end_due(region(), live.pool, grant_context(live, GetCurrentTimestamp()), wake);
  return end_overheld(live, wake) || more;
}

}  // namespace numpool
