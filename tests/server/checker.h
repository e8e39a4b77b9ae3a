// Decides from histories whether the promises were kept. It draws only conclusions that hold
// whatever the network and the scheduler did: a lease is surely held from when its holder was told
// of it until he asked to end it; a waiter was surely in the queue if a look at the queue showed
// him.
#pragma once

#include <string>
#include <vector>

#include "server/history.h"

namespace numpool_test {

enum class Broken {
  kTwoHolders,     // P1: two leases of an index at one time
  kFenceRepeated,  // P1, P7: two leases of a pool with one fence
  kFenceOrder,     // P7: a later grant with a smaller fence
  kQueueOrder,     // P3: a later waiter was granted first
  kOvertaken,  // P2, P3: whoever asked later than a waiter was seen waiting got a number before him
  kIdleNumber,  // P2: free numbers and waiters at one moment
  kMiscounted,  // in_use and free do not add up to the size
  kNeverEnded,  // a lease without end
  kLeftOver,    // P5, P9: at the end something is held or waits
  kSeen,        // reported by a worker, or a damaged log
};

struct Fault {
  Broken what;
  std::string detail;
};

// Faults found, at most a few of each kind. `complete`: the run is over, everything must be given
// up.
std::vector<Fault> check(const History& history, bool complete);

}  // namespace numpool_test
