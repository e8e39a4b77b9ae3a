// What workers asked and what they got, one log for each, with times of one clock. A log is text,
// one event a line, so that it can be read when a check fails:
//   grant POOL INDEX FENCE PID TICKET ASKED TOLD   a new lease; ticket 0: not by one
//   end   POOL INDEX FENCE ASKED TOLD              a lease's end
//   count POOL SIZE IN_USE FREE WAITING ASKED TOLD a row of numpool_pools
//   queue POOL ASKED TOLD PID:TICKET...            numpool_waiters of a pool, in order
//   fault TEXT                                     something the worker itself saw to be wrong
// ASKED is before the statement was sent, TOLD after its answer came, both in nanoseconds. What a
// transaction takes back from its own pending releases is no new lease and is not logged.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace numpool_test {

using Time = std::int64_t;
constexpr Time kNever = std::numeric_limits<Time>::max();

struct Lease {
  int pool = 0;
  int index = 0;
  std::int64_t fence = 0;
  int pid = 0;
  std::int64_t ticket = 0;
  Time asked = 0, told = 0;
  Time end_asked = kNever, end_told = kNever;  // kNever: it has not ended
};

struct Count {
  int pool = 0;
  int size = 0, in_use = 0, free = 0, waiting = 0;
  Time asked = 0, told = 0;
};

struct Queue {
  int pool = 0;
  Time asked = 0, told = 0;
  std::vector<std::pair<int, std::int64_t>> waiters;  // pid and ticket, the head first
};

struct History {
  std::vector<Lease> leases;
  std::vector<Count> counts;
  std::vector<Queue> queues;
  std::vector<std::string> faults;  // what workers saw, and what is wrong with the log itself

  // Adds a log to it. A line that is no event is a fault.
  void read(const std::string& file);
};

}  // namespace numpool_test
