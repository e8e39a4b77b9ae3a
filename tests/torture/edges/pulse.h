// Notices when this process, or the whole machine, stands still.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "torture/edges/belief.h"

namespace numpool_test {

class Pulse {
 public:
  Pulse();
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  // Ends it; what was noticed.
  std::vector<Stall> stop();

 private:
  void run();

  std::atomic<bool> over_{false};
  std::vector<Stall> stalls_;  // the thread's, until it has ended
  std::thread thread_;
};

}  // namespace numpool_test
