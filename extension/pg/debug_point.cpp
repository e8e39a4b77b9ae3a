#include "pg/debug_point.h"

#ifdef NUMPOOL_DEBUG_POINTS

#include "pg/pg.h"

namespace numpool {

namespace {

LOCKTAG tag_of(std::uint32_t key) {
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<std::uint32_t>(MyProcPid), key, 1);
  return tag;
}

// For the session, so that no transaction or resource owner is involved.
bool try_lock(const LOCKTAG& tag) {
  return LockAcquire(&tag, ShareLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

// 19 does not tell which locks a backend holds. The points are the same for every version, so that
// those before find a misplaced one.
#if PG_VERSION_NUM < 190000
void refuse_lock(LWLock*, LWLockMode, void* point) {
  elog(PANIC, "debug point %d is under an LWLock", *static_cast<int*>(point));
}

void refuse_locks(DebugPoint point) {
  int number = static_cast<int>(point);
  ForEachLWLockHeldByMe(refuse_lock, &number);
}
#else
void refuse_locks(DebugPoint) {}
#endif

}  // namespace

void debug_point(DebugPoint point) {
  refuse_locks(point);
  const LOCKTAG gate = tag_of(gate_of(point));
  const LOCKTAG standing = tag_of(standing_at(point));
  HOLD_INTERRUPTS();
  if (!try_lock(gate)) {
    // NB: polled, because a sleep in the lock manager would swallow what sets the latch, and arm
    // timers.
    try_lock(standing);
    while (!try_lock(gate)) pg_usleep(500);
    LockRelease(&standing, ShareLock, true);
  }
  LockRelease(&gate, ShareLock, true);
  RESUME_INTERRUPTS();
}

}  // namespace numpool

#endif
