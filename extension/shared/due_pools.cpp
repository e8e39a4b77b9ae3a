#include "shared/due_pools.h"

#include "core/timed_lease.h"
#include "pg/compat.h"

namespace numpool {

namespace {

LivePool& pool_of(TimerNode& node) {
  return *reinterpret_cast<LivePool*>(reinterpret_cast<char*>(&node) - offsetof(LivePool, due));
}

TimerHeap heap() {
  return TimerHeap(region(), arena().due_pools);
}

}  // namespace

void note_due(LivePool& live) {
  // NB: the clerk leaves any other alone, and would not come again.
  if (live.state != LiveState::kLive) return;
  const std::int64_t due = pool_next_due(region(), live.pool);
  if (due >= live.noted_due) return;
  live.noted_due = due;
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  if (live.due.is_set()) heap().remove(live.due);
  heap().insert(live.due, due);
  const bool is_first = &heap().first() == &live.due;
  const int clerk = arena().clerk_process;
  LWLockRelease(&arena().clerk_lock);
  if (is_first && clerk >= 0) SetLatch(&GetPGProcByNumber(clerk)->procLatch);
}

void forget_due(LivePool& live) {
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  if (live.due.is_set()) heap().remove(live.due);
  LWLockRelease(&arena().clerk_lock);
}

bool take_due_pool(std::int64_t monotonic, Offset* live, std::uint64_t* generation,
                   std::int64_t* next) {
  bool found = false;
  *next = INT64_MAX;
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  if (!heap().empty()) {
    TimerNode& first = heap().first();
    *next = first.due;
    found = first.due <= monotonic;
    if (found) {
      LivePool& pool = pool_of(first);
      *live = region().offset_of(&pool);
      // NB: it cannot change, since a pool leaves the heap before it is taken apart.
      *generation = pool.generation;
      heap().remove(first);
    }
  }
  LWLockRelease(&arena().clerk_lock);
  return found;
}

bool start_clerk_once(bool (*start)()) {
  if (arena().clerk_is_started.load(std::memory_order_relaxed)) return true;
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  bool started = arena().clerk_is_started.load(std::memory_order_relaxed);
  if (!started) {
    started = start();
    arena().clerk_is_started.store(started, std::memory_order_relaxed);
  }
  LWLockRelease(&arena().clerk_lock);
  return started;
}

bool become_clerk() {
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  const bool is_free = arena().clerk_process < 0;
  if (is_free) arena().clerk_process = my_proc_number();
  LWLockRelease(&arena().clerk_lock);
  return is_free;
}

void leave_clerk() {
  LWLockAcquire(&arena().clerk_lock, LW_EXCLUSIVE);
  if (arena().clerk_process == my_proc_number()) arena().clerk_process = -1;
  LWLockRelease(&arena().clerk_lock);
}

}  // namespace numpool
