// A turn in a pool's queue, taken by a thread, so that the caller can watch signals meanwhile.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <numpool/client.hpp>

#include "descriptor.hpp"

namespace numpool::cli {

/// What to queue for.
struct turn_request {
  client_options options;
  std::string pool;
  std::optional<int> create;  ///< create the pool with so many numbers if it is not there
  std::optional<std::chrono::milliseconds> timeout;  ///< for the number, not for connecting
};

/// Connects, queues and holds the lease.  Its members are for one thread.
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

  /// After outcome_fd() became readable: the lease, or null if the timeout passed; throws what
  /// stood in the way.
  const lease* outcome();
  /// After lost_fd() became readable: why.
  std::string lost_reason() const;

  /// Leaves the queue, and waits up to `limit` for the server to know.  False: the thread is still
  /// trying to connect; it is left to end with the process, which must not wait for it.
  bool leave(std::chrono::milliseconds limit);
  /// Gives the number back; waits up to a second for the server to confirm.
  void release() noexcept;

 private:
  struct state;
  static void work(state& shared) noexcept;

  std::shared_ptr<state> state_;  // the thread has a share too, as it may be left behind
  std::thread thread_;
};

}  // namespace numpool::cli
