#include "shared/place_sleep.h"

#include "core/timed_lease.h"

namespace numpool {

void begin_place_sleep(const TimedRecord& record, const LivePool& live, bool ends_by_itself) {
  Session& session = my_session();
  Waiter& sleeper = session.sleeper;
  sleeper.kind = WaiterKind::kPlace;
  sleeper.session = my_session_id();
  sleeper.owner_tag = region().offset_of(&record);
  sleeper.fence = static_cast<std::int64_t>(live.generation);
  sleeper.wanted = 1;
  sleeper.ends_by_itself = ends_by_itself;
  sleeper.serial.store(arena().next_wait.fetch_add(1, std::memory_order_relaxed),
                       std::memory_order_relaxed);
  session.sleeps_in.store(region().offset_of(&live), std::memory_order_relaxed);
  sleeper.state.store(WaiterState::kQueued, std::memory_order_release);
}

void end_place_sleep() {
  Waiter& sleeper = my_session().sleeper;
  if (sleeper.kind == WaiterKind::kPlace)
    sleeper.state.store(WaiterState::kIdle, std::memory_order_relaxed);
}

bool is_place_victim() {
  return my_session().sleeper.state.load(std::memory_order_acquire) == WaiterState::kVictim;
}

const Waiter* waiter_in_queue(const Session& session, LivePool& live) {
  const Waiter& sleeper = session.sleeper;
  if (sleeper.state.load(std::memory_order_acquire) != WaiterState::kQueued) return nullptr;
  if (session.sleeps_in.load(std::memory_order_relaxed) != region().offset_of(&live))
    return nullptr;
  if (sleeper.kind == WaiterKind::kBlocking) return &sleeper;
  // NB: with its pool the record may have gone, before the session has noticed.
  if (live.state != LiveState::kLive ||
      live.generation != static_cast<std::uint64_t>(sleeper.fence))
    return nullptr;
  if (sleeper.kind == WaiterKind::kWatch) return &sleeper;
  const TimedRecord& record = *region().at<TimedRecord>(sleeper.owner_tag);
  if (record.state.load(std::memory_order_relaxed) != TimedState::kPlace) return nullptr;
  return region().at<Waiter>(record.waiter);
}

SessionId user_of_waiter(const Waiter& waiter) {
  return waiter.kind == WaiterKind::kPlace ? region().array_at<TimedRecord>(waiter.owner_tag)->user
                                           : waiter.session;
}

bool condemn_sleeper(Session& session, LivePool& live, std::uint64_t serial, WakeList& wake) {
  Waiter& sleeper = session.sleeper;
  if (!is_in_wait(sleeper, serial) || waiter_in_queue(session, live) == nullptr) return false;
  if (sleeper.kind == WaiterKind::kBlocking)
    return pool_condemn(region(), live.pool, sleeper, serial, wake);
  ++live.pool.counters.deadlocks;
  wake.add(sleeper.session, WaiterKind::kBlocking);
  sleeper.state.store(WaiterState::kVictim, std::memory_order_release);
  return true;
}

}  // namespace numpool
