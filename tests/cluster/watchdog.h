// A watchdog device that is only played: Patroni writes to a named pipe what it would tell the
// device (its driver "testing"), and this does to the node what a device does to its machine when
// nothing has come in time.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "history/event.h"

namespace numpool_test {

class Watchdog {
 public:
  // Makes the pipe at `path`. `reset` is called by a thread of the watchdog's own.
  Watchdog(const std::string& path, std::function<void()> reset);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  int resets() const { return resets_; }

 private:
  void run();
  // What Patroni has written: a sign of life, a new limit, or that it takes its leave.
  void hear(const std::string& words);

  const std::function<void()> reset_;
  const int pipe_;
  bool armed_ = false;
  Time limit_ = 60000000000;
  Time last_ = 0;
  std::string command_;  // one that has not come to its end
  std::atomic<int> resets_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace numpool_test
