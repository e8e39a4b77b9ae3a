// A mix: what the workers do, which faults they meet, and who causes these.
#pragma once

#include <string>
#include <vector>

#include "history/worker.h"

namespace numpool_test {

enum class Meddling { kNone, kSessions, kDefinitions, kExtension, kResources };

enum class Standby { kNone, kAsynchronous, kSynchronous };

struct Mix {
  std::string name;
  Habits habits;
  std::vector<PoolUnderTest> pools;
  int workers = 10;
  Meddling meddling = Meddling::kNone;  // by a process with a connection of its own
  // What the director does to the processes, as often as listed; and the mean pause between two, in
  // milliseconds (0: nothing).
  std::vector<Mischief> signals;
  int pause = 0;
  Standby standby = Standby::kNone;  // which can be promoted
  bool is_copied = false;            // the workers' database is made from a template
};

const std::vector<Mix>& mixes();
// nullptr if there is none of that name.
const Mix* find_mix(const std::string& name);

}  // namespace numpool_test
