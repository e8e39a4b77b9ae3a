// What all the logs of a run say together: replayed session by session, they give the leases with
// their beginnings and ends, and the answers that no session may have had.
// Besides events, a log may have lines of those who look on:
//   count POOL SIZE IN_USE FREE WAITING TAKEN ASKED TOLD  a row of numpool_pools; TAKEN: bits set
//   queue POOL ASKED TOLD PID:TICKET...                   numpool_waiters of a pool, in order
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "history/session_model.h"

namespace numpool_test {

struct Lease {
  int pool = 0;
  int index = 0;
  std::int64_t fence = 0;
  int pid = 0;
  std::int64_t ticket = 0;  // 0: not by one
  Time asked = 0, told = 0;
  Time end_asked = kNever, end_told = kNever;  // kNever: it has not ended
  int log = 0;                                 // in History::logs
};

struct Count {
  int pool = 0;
  int size = 0, in_use = 0, free = 0, waiting = 0, taken = 0;
  Time asked = 0, told = 0;
};

struct Queue {
  int pool = 0;
  Time asked = 0, told = 0;
  std::vector<std::pair<int, std::int64_t>> waiters;  // pid and ticket, the head first
};

// A drop without force that was accepted.
struct UnusedDrop {
  int pool = 0;
  Time asked = 0, told = 0;
};

struct Death {
  std::string kind;
  int pid = 0;  // 0: of all sessions
  Time at = 0, gone = 0;
};

struct History {
  std::vector<Lease> leases;
  std::vector<Count> counts;
  std::vector<Queue> queues;
  std::vector<Death> deaths;
  std::vector<std::string> broken;  // answers that no session may have had
  std::vector<std::string> faults;  // what workers saw, and what is wrong with a log itself
  std::vector<std::string> logs;
  Wipes wipes;
  std::vector<UnusedDrop> unused_drops;  // in wipes, too
  std::vector<Wipes::Span> resets;       // in order
  std::size_t events = 0;

  // Reads all the logs of a run at once. A line that is no event is a fault, but for the last one
  // of a log without an end of line: its writer was killed.
  void read(const std::vector<std::string>& files);
};

}  // namespace numpool_test
