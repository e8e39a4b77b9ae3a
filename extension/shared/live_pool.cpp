#include "shared/live_pool.h"

#include "core/rest.h"
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

namespace {

bool is_in_service_as(const OutOfService& out, const OutList& list) {
  return !out.unknown &&
         list == OutList{region().at<std::uint16_t>(out.indexes), out.count, out.drained};
}

}  // namespace

void set_service(LivePool& live, const OutList& list, Offset* block) {
  OutOfService next = {0, 0, list.drained, false};
  if (list.count != 0 && *block == 0) {
    next.unknown = true;
  } else if (list.count != 0) {
    memcpy(region().at<std::uint16_t>(*block), list.indexes, service_bytes(list));
    next.indexes = *block;
    next.count = list.count;
    *block = 0;
  }
  const Offset old = pool_set_service(region(), live.pool, next);
  if (old != 0) *block = old;
  ++live.service_version;
}

bool matches_definition(const LivePool& live, const Definition& definition) {
  if (live.defined_size != static_cast<std::uint32_t>(definition.size)) return false;
  if (!is_stub(live) && !is_in_service_as(live.pool.out, definition.out)) return false;
  if (!is_stub(live) && !(live.pool.settings == definition.settings)) return false;
  if (live.name_length == 0) return !is_stub(live);
  return live.name_length == strlen(definition.name) &&
         memcmp(region().at<char>(live.name), definition.name, live.name_length) == 0;
}

std::int64_t rest_left_after_start(const PoolSettings& settings) {
  if (settings.death_delay == 0 || !arena_attached()) return settings.death_delay;
  const std::int64_t left = arena().made_at + settings.death_delay - monotonic_now();
  return left > 0 ? left : 0;
}

void rest_after_start(LivePool& live, std::uint32_t first) {
  const PoolSettings& settings = live.pool.settings;
  if (rest_left_after_start(settings) == 0) return;
  put_to_rest_from(region(), live.pool, first,
                   arena().made_at + settings.death_delay - rest_of(settings, RestKind::kMourning));
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
