#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
  std::int64_t deadlocks = 0;        ///< waits that ended because they closed a circle
  std::int64_t timed = 0;            ///< timed leases at the moment
  std::int64_t expired = 0;          ///< timed leases that ended by time
  int out_of_service = 0;            ///< numbers that are not given, and that nobody holds
  int resting = 0;                   ///< numbers that were released and cannot be leased yet
  bool drained = false;              ///< none of its numbers is given; also known on a standby
  std::optional<std::string> owner;  ///< the role that may change it; the same
  std::vector<std::string> users;    ///< the roles that may lease, "public" for all; the same
  std::chrono::microseconds wait_total{0};
  std::chrono::microseconds wait_longest{0};
  std::chrono::system_clock::time_point counting_since{};  ///< the epoch if never used
};

/// A row of the view numpool_leases, whose usename, application_name and client_addr are `user`,
/// `application` and `client_address` here. What another role holds is hidden from a plain role:
/// then the optional members are empty and `pid` is 0. A timed lease has no
/// backend: its `pid` is 0, and `user` is the role that took it.
struct lease_info {
  std::string pool;
  int index = 0;
  std::int64_t fence = 0;
  int pid = 0;  ///< of the backend
  std::optional<std::string> user;
  std::optional<std::string> application;
  std::optional<std::string> client_address;  ///< empty for a Unix socket
  std::string scope;                          ///< "session", "transaction" or "timed"
  std::string state;
  std::chrono::system_clock::time_point acquired_at{};
  std::chrono::microseconds held_for{0};  ///< by the server's clock
  std::optional<std::string> holder;      ///< what the holder of a timed lease said of itself
  std::optional<std::chrono::microseconds> time_left;  ///< unless it is renewed; only if timed
  std::optional<std::string> token;                    ///< if timed, for who may use it
  bool in_service = true;  ///< false: the number is not given again when the lease ends
};

/// A row of the view numpool_waiters; see lease_info on what is hidden.
struct waiter_info {
  std::string pool;
  int position = 0;                    ///< 1 is the head of the queue
  std::optional<std::int64_t> ticket;  ///< for kind "ticket"
  int pid = 0;
  std::optional<std::string> user;
  std::optional<std::string> application;
  std::string kind;  ///< "blocking", "ticket" or "place"
  std::chrono::system_clock::time_point since{};
  std::chrono::microseconds waited_for{0};  ///< by the server's clock
  /// Of a place that is kept for a token, as in lease_info.
  std::optional<std::string> holder;
  std::optional<std::chrono::microseconds> time_left;
  std::optional<std::string> token;
};

}  // namespace v1
}  // namespace numpool
