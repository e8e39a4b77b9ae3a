// The guard: a small process that outlives a killed `numpool run` and ends its command.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "descriptor.hpp"

namespace numpool::cli {

/// When `numpool run` dies without a chance to act (SIGKILL, a crash), the server frees the number
/// at once, or with --ttl when nobody renews it.  The guard sees the same death by its socket, and
/// ends the command's whole process group: SIGTERM, then SIGKILL after the grace.  It is in a
/// session of its own, where neither the terminal nor a signal to the process group reaches it, and
/// blocks what else could end it.
///
/// To be made before the program has threads or a connection: the guard is a fork, and inherits
/// whatever is open.  The caller blocks the signals that could end the guard before it has done so
/// itself.
class guard {
 public:
  explicit guard(std::chrono::milliseconds grace);
  /// Dismisses the guard and reaps it.
  ~guard();
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// From now on it watches over `group`; 0: over none.  Returns when it has been told.
  void watch(pid_t group) noexcept;

 private:
  descriptor socket_;
  pid_t pid_ = -1;
};

/// Whether any process is in `group` that is no zombie.
bool group_lives(pid_t group) noexcept;

/// Sends `number`, and SIGCONT after it, so that a stopped group gets it too.
void end_group(pid_t group, int number) noexcept;

}  // namespace numpool::cli
