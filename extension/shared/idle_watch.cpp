#include "shared/idle_watch.h"

#include "shared/session.h"

namespace numpool {

namespace {

// Above every wait in a queue: it ends after all of these, and is the one to be ended where it is
// part of a deadlock, as nobody in the queue waits for it.
constexpr std::uint64_t kWatchSerial = std::uint64_t{1} << 62;

}  // namespace

bool watches_pool(const LivePool& live) {
  const Session& session = my_session();
  const Waiter& sleeper = session.sleeper;
  return sleeper.kind == WaiterKind::kWatch &&
         sleeper.state.load(std::memory_order_relaxed) != WaiterState::kIdle &&
         session.sleeps_in.load(std::memory_order_relaxed) == region().offset_of(&live) &&
         sleeper.fence == static_cast<std::int64_t>(live.generation);
}

void begin_idle_watch(LivePool& live, bool ends_by_itself) {
  Session& session = my_session();
  Waiter& sleeper = session.sleeper;
  sleeper.kind = WaiterKind::kWatch;
  sleeper.session = my_session_id();
  sleeper.fence = static_cast<std::int64_t>(live.generation);
  sleeper.wanted = kEveryNumber;
  sleeper.ends_by_itself = ends_by_itself;
  sleeper.serial.store(kWatchSerial | arena().next_wait.fetch_add(1, std::memory_order_relaxed),
                       std::memory_order_relaxed);
  session.sleeps_in.store(region().offset_of(&live), std::memory_order_relaxed);
  sleeper.state.store(WaiterState::kQueued, std::memory_order_release);
}

bool end_idle_watch() {
  Session& session = my_session();
  Waiter& sleeper = session.sleeper;
  if (sleeper.kind != WaiterKind::kWatch ||
      sleeper.state.load(std::memory_order_relaxed) == WaiterState::kIdle)
    return false;
  // NB: whoever sees the wait under this lock may read it, or condemn it, until he lets go.
  LivePool* live = live_pool_at(session.sleeps_in.load(std::memory_order_relaxed));
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  const bool was_victim = sleeper.state.load(std::memory_order_relaxed) == WaiterState::kVictim;
  sleeper.state.store(WaiterState::kIdle, std::memory_order_relaxed);
  LWLockRelease(&live->lock);
  return was_victim;
}

bool is_watch_victim() {
  const Waiter& sleeper = my_session().sleeper;
  return sleeper.kind == WaiterKind::kWatch &&
         sleeper.state.load(std::memory_order_acquire) == WaiterState::kVictim;
}

void wake_watchers(Offset live) {
  for (std::uint32_t i = 0; i < arena().session_count; ++i) {
    const Session& session = all_sessions()[i];
    const SessionId id = session.id.load(std::memory_order_acquire);
    // NB: what is read here is a hint; whoever is woken for nothing looks and sleeps on.
    if (id == 0 || session.sleeper.kind != WaiterKind::kWatch ||
        session.sleeps_in.load(std::memory_order_relaxed) != live)
      continue;
    SetLatch(&GetPGProcByNumber(process_of(id))->procLatch);
  }
}

}  // namespace numpool
