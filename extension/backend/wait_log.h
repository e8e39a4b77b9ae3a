// What the server's log says of a wait in a queue, if numpool.log_waits asks for it: once when the
// wait has lasted for deadlock_timeout, and once when it has come to a number after that.
#pragma once

#include "backend/pool_ref.h"

namespace numpool {

struct WaitLog {
  TimestampTz began;
  TimestampTz due;  // when the wait is to be told of; DT_NOEND: no more
  bool told;
};

// Of a wait that begins now.
WaitLog begin_wait_log();
inline bool wait_log_due(const WaitLog& log) {
  return log.due != DT_NOEND && GetCurrentTimestamp() >= log.due;
}

// What there is to tell of a wait.
struct WaitFacts {
  static constexpr int kMostHolders = 20;
  std::uint32_t position;  // 0: too far behind to be counted
  int pids[kMostHolders];  // of different processes that hold numbers
  int pid_count;
  bool may_be_more;      // such processes
  std::uint32_t tokens;  // numbers seen that timed leases have
};
// The pool, in whose queue the waiter is, is locked.
WaitFacts look_at_wait(LivePool& live, Offset waiter);
// Tells of the wait. May ereport; no numpool lock held.
void log_wait(WaitLog* log, const PoolRef* ref, const WaitFacts& facts);
// Tells that the wait, if it was told of, has come to that number. May ereport.
void log_wait_over(const WaitLog& log, const PoolRef* ref, std::uint32_t index);

void wait_log_define_settings();

}  // namespace numpool
