#include "backend/patience.h"

#include "shared/arena.h"
#include "shared/session.h"

extern "C" {
#include "utils/resowner.h"
}

namespace numpool {

namespace {

// Whether the wait that follows ends by itself: then it is in no deadlock.
void note_limit(bool is_limited) {
  if (arena_attached())
    my_session().gives_up_by_itself.store(is_limited, std::memory_order_relaxed);
}

}  // namespace

TimestampTz deadline_of(Patience patience) {
  if (patience.microseconds == 0) return kNoWait;
  if (patience.microseconds == Patience::kForever) return DT_NOEND;
  const TimestampTz now = GetCurrentTimestamp();
  return patience.microseconds > DT_NOEND - 1 - now ? DT_NOEND : now + patience.microseconds;
}

long milliseconds_until(TimestampTz deadline) {
  if (deadline == DT_NOEND) return -1;
  const TimestampTz now = GetCurrentTimestamp();
  if (deadline <= now) return 0;
  const std::int64_t left = (deadline - now + 999) / 1000;
  return left > INT_MAX ? INT_MAX : static_cast<long>(left);
}

Deadlines::Deadlines(TimestampTz own)
    : own_(own),
      lock_(LockTimeout > 0 ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LockTimeout)
                            : DT_NOEND) {}

bool Deadlines::passed() const {
  if (milliseconds_until(next()) != 0) return false;
  if (lock_ < own_)
    ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                    errmsg("canceling statement due to lock timeout")));
  return true;
}

bool wait_for_locks(TimestampTz deadline, void (*wait)(void* argument), void* argument) {
  const long left = milliseconds_until(deadline);
  if (left == 0) return false;
  if (left < 0 || (LockTimeout > 0 && LockTimeout <= left)) {
    wait(argument);
    return true;
  }

  // The lock manager knows only one limit, lock_timeout. Set that to ours for the wait, in a
  // subtransaction, which its error ends.
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  const int lock_timeout = LockTimeout;
  volatile bool in_time = true;
  note_limit(true);
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    LockTimeout = static_cast<int>(left);
    wait(argument);
    // Our limit may have been reached just as the lock was granted.
    CHECK_FOR_INTERRUPTS();
    LockTimeout = lock_timeout;
    note_limit(false);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    note_limit(false);
    LockTimeout = lock_timeout;
    MemoryContextSwitchTo(memory);
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = owner;
    if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) ReThrowError(error);
    in_time = false;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = owner;
  return in_time;
}

}  // namespace numpool
