#include "shared/live_pool.h"

#include "core/timed_record.h"
#include "shared/session.h"

namespace numpool {

SessionId user_of_slot(const Slot& slot) {
  return slot.holder == kTokenHolder ? region().array_at<TimedRecord>(slot.owner_tag)->user
                                     : slot.holder;
}

void close_live_pool(LivePool& live) {
  live.closing = GetCurrentTransactionIdIfAny();
  live.closed_by = my_session_id();
}

bool matches_definition(const LivePool& live, const Definition& definition) {
  if (live.defined_size != static_cast<std::uint32_t>(definition.size)) return false;
  if (live.name_length == 0) return !is_stub(live);
  return live.name_length == strlen(definition.name) &&
         memcmp(region().at<char>(live.name), definition.name, live.name_length) == 0;
}

bool lock_pool(Offset offset, const PoolKey& key, std::uint64_t generation) {
  if (offset == 0) return false;
  LivePool* live = live_pool_at(offset);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  if (live->generation == generation && live->key == key &&
      (live->state == LiveState::kLive || live->state == LiveState::kLoading))
    return true;
  LWLockRelease(&live->lock);
  return false;
}

#ifdef NUMPOOL_DEBUG_POINTS
void debug_check(LivePool& live) {
  if (live.state != LiveState::kLive || is_stub(live)) return;
  const char* wrong = check_pool(region(), live.pool);
  // I3 is between a growth and the last of its hand-offs what the growth is there for.
  if (wrong != nullptr && strncmp(wrong, "I3", 2) != 0) elog(PANIC, "pool: %s", wrong);
}
#endif

}  // namespace numpool
