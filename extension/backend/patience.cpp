#include "backend/patience.h"

#include "pg/subtransaction.h"
#include "shared/arena.h"
#include "shared/session.h"

namespace numpool {

namespace {

// Whether the wait that follows ends by itself: then it is in no deadlock.
void note_limit(bool is_limited) {
  if (arena_attached())
    my_session().gives_up_by_itself.store(is_limited, std::memory_order_relaxed);
}

struct LimitedWait {
  void (*wait)(void* argument);
  void* argument;
  int limit;         // milliseconds
  int lock_timeout;  // as the user has set it
};

void wait_within_limit(void* state) {
  const LimitedWait& limited = *static_cast<LimitedWait*>(state);
  LockTimeout = limited.limit;
  limited.wait(limited.argument);
  // Our limit may have been reached just as the lock was granted.
  CHECK_FOR_INTERRUPTS();
}

void lift_limit(void* state) {
  LockTimeout = static_cast<LimitedWait*>(state)->lock_timeout;
  note_limit(false);
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
  LimitedWait limited = {wait, argument, static_cast<int>(left), LockTimeout};
  note_limit(true);
  ErrorData* error = in_subtransaction(wait_within_limit, lift_limit, &limited);
  if (error != nullptr && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE) ReThrowError(error);
  return error == nullptr;
}

bool lock_relation_until(Oid relation, LOCKMODE mode, TimestampTz deadline) {
  struct Wanted {
    Oid relation;
    LOCKMODE mode;
  };
  Wanted wanted = {relation, mode};
  while (!ConditionalLockRelationOid(relation, mode)) {
    const bool in_time = wait_for_locks(
        deadline,
        [](void* argument) {
          const Wanted& lock = *static_cast<const Wanted*>(argument);
          LockRelationOid(lock.relation, lock.mode);
          UnlockRelationOid(lock.relation, lock.mode);
        },
        &wanted);
    if (!in_time) return false;
  }
  return true;
}

}  // namespace numpool
