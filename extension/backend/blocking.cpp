#include "backend/blocking.h"

#include "backend/lock_waits.h"
#include "shared/live_pool.h"
#include "shared/place_sleep.h"
#include "shared/session.h"

namespace numpool {

namespace {

// Slots copied under one lock.
constexpr std::uint32_t kBatch = 1024;

struct Sleep {
  const Session* session;
  std::uint64_t serial;
  Offset live;
};

// The wait of the backend with that pid; `session` is nullptr if it is in none.
Sleep find_sleep(int pid) {
  for (std::uint32_t i = 0; i < arena().session_count; ++i) {
    const Session& session = all_sessions()[i];
    if (session.id.load(std::memory_order_acquire) == 0 || session.pid != pid) continue;
    if (session.sleeper.state.load(std::memory_order_acquire) != WaiterState::kQueued) break;
    return {&session, session.sleeper.serial.load(std::memory_order_relaxed),
            session.sleeps_in.load(std::memory_order_relaxed)};
  }
  return {};
}

// Locks the pool if the wait goes on in it.
LivePool* lock_pool_of(const Sleep& sleep) {
  LivePool* live = live_pool_at(sleep.live);
  LWLockAcquire(&live->lock, LW_SHARED);
  if (is_in_wait(sleep.session->sleeper, sleep.serial) &&
      waiter_in_queue(*sleep.session, *live) != nullptr)
    return live;
  LWLockRelease(&live->lock);
  return nullptr;
}

int pid_of(SessionId id) {
  const Session* session = id == 0 ? nullptr : find_session(id);
  return session == nullptr ? 0 : session->pid;
}

bool list_holders(const Sleep& sleep, PallocList<int>& pids) {
  int* batch = static_cast<int*>(palloc(sizeof(int) * kBatch));
  std::uint32_t size = 1;
  for (std::uint32_t from = 0; from < size; from += kBatch) {
    LivePool* live = lock_pool_of(sleep);
    if (live == nullptr) return false;
    size = live->pool.size;
    std::uint32_t count = 0;
    for (std::uint32_t index = from; index < size && count < kBatch; ++index)
      batch[count++] = pid_of(user_of_slot(live->pool.slot(region(), index)));
    LWLockRelease(&live->lock);
    for (std::uint32_t i = 0; i < count; ++i) pids.add(batch[i]);
    CHECK_FOR_INTERRUPTS();
  }
  return true;
}

// The one who is served just before the sleeper; of one who waits until the pool is idle, the last.
Offset next_ahead(const Sleep& sleep, LivePool& live) {
  const Waiter& waiter = *waiter_in_queue(*sleep.session, live);
  return waiter.kind == WaiterKind::kWatch ? live.pool.queue.tail : waiter.prev;
}

// NB: under one lock, since nothing marks a place in a queue.
bool list_those_ahead(const Sleep& sleep, PallocList<int>& pids) {
  std::uint32_t room = 64;
  for (;;) {
    int* ahead = static_cast<int*>(palloc_extended(sizeof(int) * room, MCXT_ALLOC_HUGE));
    LivePool* live = lock_pool_of(sleep);
    if (live == nullptr) return false;
    const std::uint32_t length = live->pool.queue.length;
    std::uint32_t count = 0;
    if (length <= room)
      for (Offset at = next_ahead(sleep, *live); at != 0; at = region().at<Waiter>(at)->prev)
        ahead[count++] = pid_of(user_of_waiter(*region().at<Waiter>(at)));
    LWLockRelease(&live->lock);
    for (std::uint32_t i = 0; i < count; ++i) pids.add(ahead[i]);
    pfree(ahead);
    if (length <= room) return true;
    room = length + length / 4;
  }
}

}  // namespace

void list_blocking(int pid, PallocList<int>& blocking) {
  const Sleep sleep = find_sleep(pid);
  PallocList<int> pids = {};
  if (sleep.session == nullptr || sleep.live == 0) return;
  if (!list_holders(sleep, pids) || !list_those_ahead(sleep, pids)) return;
  sort_pids(pids);
  int last = 0;
  for (const int each : pids) {
    if (each != last && each != pid) blocking.add(each);
    last = each;
  }
}

}  // namespace numpool
