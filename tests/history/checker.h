// Decides from histories whether the promises were kept. It draws only conclusions that hold
// whatever the network and the scheduler did: a lease is surely held from when its holder was told
// of it until he asked to end it, or until he asked for the last answer of a session that ended; a
// waiter was surely in the queue if a look at the queue showed him, or once he had been told his
// ticket.
#pragma once

#include <string>
#include <vector>

#include "history/history.h"

namespace numpool_test {

enum class Broken {
  kTwoHolders,     // P1: two leases of an index at one time
  kFenceRepeated,  // P1, P7: two leases of a pool with one fence
  kFenceOrder,     // P7: a later grant with a smaller fence
  kQueueOrder,     // P3: a later waiter was granted first
  kOvertaken,    // P2, P3: whoever asked later than a waiter was known to wait got a number before
                 // him
  kIdleNumber,   // P2: free numbers and waiters at one moment
  kMiscounted,   // P9: taken and free do not add up to the size
  kNeverEnded,   // a lease without end
  kDroppedHeld,  // a drop without force was accepted though somebody held a number
  kLeftOver,     // P5, P9: at the end something is held or waits
  kAnswer,       // P6: an answer that no session may have had
  kSeen,         // reported by a worker, or a damaged log
};

struct Fault {
  Broken what;
  std::string detail;
  Time span;  // of what it needs to be seen
};

const char* name_of(Broken what);

// Faults found, the shortest counter-examples of each kind first, at most a few of a kind.
// `complete`: the run is over, everything must be given up.
std::vector<Fault> check(const History& history, bool complete);

}  // namespace numpool_test
