// How long a call may wait, and waiting that long for a heavyweight lock.
#pragma once

#include "pg/pg.h"

namespace numpool {

// As an argument: from now on.
struct Patience {
  static constexpr std::int64_t kForever = -1;
  std::int64_t microseconds;

  static Patience none() { return {0}; }
  static Patience forever() { return {kForever}; }
};

// As a moment of GetCurrentTimestamp; DT_NOEND: never. One that has passed does not wait.
constexpr TimestampTz kNoWait = 0;

TimestampTz deadline_of(Patience patience);
// Rounded up; -1: never.
long milliseconds_until(TimestampTz deadline);

// Calls `wait`, which waits for heavyweight locks, and returns true; what it leaves locked is the
// transaction's then. False if the deadline came first, and nothing is locked. Errors: 55P03 at
// lock_timeout, 40P01, 57014.
bool wait_for_locks(TimestampTz deadline, void (*wait)(void* argument), void* argument);

// Locks a relation until the end of the transaction. False if the deadline came first. Errors: the
// same.
bool lock_relation_until(Oid relation, LOCKMODE mode, TimestampTz deadline);

// When a sleep that begins now ends: at the caller's own deadline (of GetCurrentTimestamp;
// DT_NOEND: never) or at lock_timeout, whichever comes first.
class Deadlines {
 public:
  explicit Deadlines(TimestampTz own);
  TimestampTz next() const { return lock_ < own_ ? lock_ : own_; }
  // Whether the caller's own has passed. Errors: 55P03 where lock_timeout has.
  bool passed() const;

 private:
  TimestampTz own_;
  TimestampTz lock_;
};

}  // namespace numpool
