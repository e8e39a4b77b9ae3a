// Those who lease: each group has a pool of its own and reaches it in its own way.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cluster/grant.h"

namespace numpool_test {

class Cluster;

// What a holder does with its leases.
enum class Manner {
  kHold,   // until it is told of the loss, or shall leave
  kBrisk,  // for some milliseconds
  kTimed,  // as kHold, a timed lease
  kRun,    // the same by `numpool run`, of a command that needs its time to end
};

struct Group {
  const char* name;  // and its pool's
  Manner manner;
  bool proxied;
  int size;
  int holders;
  int death_delay = 0;  // of its pool, in seconds
};

class Holder {
 public:
  // `folder`: where a `numpool run` leaves its accounts.
  Holder(const Cluster& cluster, const Group& group, const std::string& folder);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // Begin nothing new, give back what is held.
  void leave() { over_ = true; }
  // After it has left; a command keeps accounts of its own.
  std::vector<Grant> grants();

 private:
  struct Held;

  void run();
  void hold_leases();
  void hold_timed_leases();
  void run_commands() const;
  // Until its time is over, it is lost, or this holder leaves.
  void stay(const std::shared_ptr<Held>& held, Time time);

  const Cluster& cluster_;
  const Group& group_;
  const std::string folder_;
  std::atomic<bool> over_{false};
  std::mutex mutex_;  // guards held_
  std::vector<std::shared_ptr<Held>> held_;
  std::thread thread_;
};

}  // namespace numpool_test
