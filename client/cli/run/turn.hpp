// A turn in a pool's queue, taken by a thread, so that the caller can watch signals meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <numpool/client.hpp>

#include "descriptor.hpp"
#include "waiting_line.hpp"

namespace numpool::cli {

/// A number that is had.
struct held_number {
  int index = 0;
  std::int64_t fence = 0;
  std::string token;  ///< of a timed lease, else empty
};

/// What to queue for.
struct turn_request {
  client_options options;
  std::string pool;
  std::optional<int> create;  ///< create the pool with so many numbers if it is not there
  /// From now until there is a number, connecting included; 0 takes what is free at once.
  std::optional<std::chrono::milliseconds> timeout;
  /// For a server that is not there.  Unless it is set, as long as `timeout`, or kPatience.
  std::optional<std::chrono::milliseconds> connect_timeout = std::nullopt;
  /// Lease it by token: ttl, holder and token count.  Then it goes on where a pooler shares
  /// sessions, without one.
  std::optional<timed_options> timed = std::nullopt;
  std::optional<std::string> settings = std::nullopt;  ///< of a pool that is created: JSON
};

/// Connects, queues and holds the lease, and waits for a server that is not there.  Its members are
/// for one thread.
class turn {
 public:
  explicit turn(turn_request request);
  /// Gives the number back.  After leave() or an outcome it returns within about a second.
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  /// Readable when there is an outcome.
  int outcome_fd() const noexcept;
  /// Readable when the lease has been lost.
  int lost_fd() const noexcept;

  /// After outcome_fd() became readable: what is held, or null if the timeout passed; throws what
  /// stood in the way.
  const held_number* outcome();
  /// After outcome() was null: why there was no server at the end; empty if there was one.
  std::string no_server() const;
  /// After lost_fd() became readable: why.
  std::string lost_reason() const;

  /// Leaves the queue, and waits up to `limit` for the server to know.  False: the thread is still
  /// trying to connect; it is left to end with the process, which must not wait for it.
  bool leave(std::chrono::milliseconds limit);
  /// Gives the number back; waits up to a second for the server to confirm.  A timed lease would
  /// outlast us, so for that it waits some seconds for a server that is not there.
  void release() noexcept;
  /// Lets go of a timed lease, which is the token's.
  void detach() noexcept;

  /// The connection; null while there is none.
  std::shared_ptr<client> connection() const;

  /// What tells what it waits for, from any thread, by asking the server.  A call may outlive the
  /// turn, but not for long: release() ends what it asks.
  std::function<waiting_text()> describer() const;

 private:
  struct state;
  static void work(state& shared) noexcept;

  std::shared_ptr<state> state_;  // the thread has a share too, as it may be left behind
  std::thread thread_;
};

/// After an outcome of null: tells which pool or server it was, with kTimedOut.
[[noreturn]] void throw_timed_out(const std::string& pool, const turn& queued);

/// What a waiter is told: his place, who is in his way, and for how long.  `position` is 0 if he is
/// not seen in the queue.
waiting_text describe_queue(const pool_status& pool, int position,
                            const std::vector<lease_info>& leases);

}  // namespace numpool::cli
