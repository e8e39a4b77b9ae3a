#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace numpool {
inline namespace v1 {

/// A row of the view numpool_pools: a snapshot, out of date when it arrives.
struct pool_status {
  std::string pool;
  int size = 0;  ///< 1..65536
  bool live =
      true;  ///< false on a standby: then all that follows but the metadata is not known, and 0
  int in_use = 0;  ///< leases; above `size` for a while after shrinking
  int free = 0;
  int waiting = 0;                      ///< waiters of both kinds
  std::optional<std::string> metadata;  ///< jsonb as text

  /// Counters since `counting_since`.
  std::int64_t grants = 0;    ///< all
  std::int64_t handoffs = 0;  ///< those that had to wait
  std::int64_t timeouts = 0;
  std::int64_t cancels = 0;
  std::int64_t deadlocks = 0;  ///< waits that ended because they closed a circle
  std::chrono::microseconds wait_total{0};
  std::chrono::microseconds wait_longest{0};
  std::chrono::system_clock::time_point counting_since{};  ///< the epoch if never used
};

/// A row of the view numpool_leases, whose usename, application_name and client_addr are `user`,
/// `application` and `client_address` here. What another role holds is hidden from a plain role:
/// then the optional members are empty and `pid` is 0.
struct lease_info {
  std::string pool;
  int index = 0;
  std::int64_t fence = 0;
  int pid = 0;  ///< of the backend
  std::optional<std::string> user;
  std::optional<std::string> application;
  std::optional<std::string> client_address;  ///< empty for a Unix socket
  std::string scope;                          ///< "session" or "transaction"
  std::string state;
  std::chrono::system_clock::time_point acquired_at{};
  std::chrono::microseconds held_for{0};  ///< by the server's clock
};

/// A row of the view numpool_waiters; see lease_info on what is hidden.
struct waiter_info {
  std::string pool;
  int position = 0;                    ///< 1 is the head of the queue
  std::optional<std::int64_t> ticket;  ///< for kind "ticket"
  int pid = 0;
  std::optional<std::string> user;
  std::optional<std::string> application;
  std::string kind;  ///< "blocking" or "ticket"
  std::chrono::system_clock::time_point since{};
  std::chrono::microseconds waited_for{0};  ///< by the server's clock
};

}  // namespace v1
}  // namespace numpool
