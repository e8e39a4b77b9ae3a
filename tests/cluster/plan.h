// How a cluster is set up: what the trials of a run have in common.
#pragma once

#include <string>

namespace numpool_test {

// In seconds. Patroni takes no ttl below 20. With these, ttl - loop_wait is 18: the client
// library's 15 s, the grace of `numpool run` and one more, as the manual asks for.
constexpr int kTtl = 20;
constexpr int kLoopWait = 2;
constexpr int kRetryTimeout = 5;
constexpr int kGrace = 2;
// Of the timed leases.
constexpr int kTimedTtl = 30;
// Of the pool whose numbers rest after a promotion: longer than the former primary goes on.
constexpr int kDeathDelay = 35;

constexpr int kNodes = 3;
constexpr char kStoreAddress[] = "127.0.0.9";  // etcd's
constexpr int kStorePort = 2379;
constexpr char kProxyAddress[] = "127.0.0.8";  // HAProxy's
constexpr int kProxyPort = 5000;

struct Plan {
  bool synchronous = false;
  bool failsafe = false;
  bool watchdog = false;

  std::string text() const {
    return std::string("synchronous_mode ") + (synchronous ? "on" : "off") +
           (failsafe ? ", failsafe_mode on" : "") + (watchdog ? ", watchdog" : "");
  }
};

}  // namespace numpool_test
