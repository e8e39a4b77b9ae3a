#include "shared/pool_growth.h"

#include "shared/pool_memory.h"
#include "shared/session.h"

namespace numpool {

namespace {

// The pool is locked on entry, and unlocked on the way out.
void set_size(Offset offset, const PoolKey& key, std::uint64_t generation, std::uint32_t size,
              Growth& growth) {
  LivePool* live = live_pool_at(offset);
  WakeList wake;
  const std::uint32_t old_size = live->pool.size;
  pool_resize(region(), live->pool, size, growth);
  rest_after_start(*live, old_size);
  wake_sole_holder(*live, wake);
  unlock_pool(live);
  wake_all(wake);
  debug_point(DebugPoint::kResized);
  serve_waiters(offset, key, generation);
}

}  // namespace

void wake_sole_holder(LivePool& live, WakeList& wake) {
  const SessionId sole = live.pool.queue.length == 0 ? 0 : pool_sole_holder(region(), live.pool);
  if (sole != 0) wake.add(sole, WaiterKind::kBlocking);
}

bool catch_up(Offset offset, const PoolKey& key, std::uint64_t generation, Growth* reserved) {
  Growth own = {};
  Growth& growth = reserved == nullptr ? own : *reserved;
  bool is_whole = true;
  while (lock_pool(offset, key, generation)) {
    const LivePool* live = live_pool_at(offset);
    const std::uint32_t target = live->defined_size;
    const std::uint32_t had = chunk::capacity(live->pool.chunk_count);
    if (live->pool.size == target) {
      unlock_pool(live_pool_at(offset));
      break;
    }
    if (pool_can_have(live->pool, target, growth)) {
      set_size(offset, key, generation, target, growth);
      break;
    }
    if (live->pool.size < had) {
      set_size(offset, key, generation, had, growth);
      continue;
    }
    unlock_pool(live_pool_at(offset));
    is_whole = reserve_growth(growth, had, target);
    if (!is_whole) break;
  }
  free_growth(own);
  return is_whole;
}

}  // namespace numpool
