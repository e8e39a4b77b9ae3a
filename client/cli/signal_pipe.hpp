// Signals caught by handlers and read from a pipe.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "descriptor.hpp"

namespace numpool::cli {

/// Catches the given signals from its making on, whichever thread they hit: for a program whose
/// threads were there first, so that a signal_queue would come too late.  Signals that were ignored
/// stay ignored.  At most one exists at a time.  The destructor restores the default actions.
class signal_pipe {
 public:
  signal_pipe(std::initializer_list<int> numbers);
  ~signal_pipe();
  signal_pipe(const signal_pipe&) = delete;
  signal_pipe& operator=(const signal_pipe&) = delete;

  int fd() const noexcept { return read_end_.get(); }
  /// The next signal that has come, without waiting.
  std::optional<int> next();
  /// Stops the process group as an uncaught SIGTSTP does; returns when it has been continued.
  void stop();

 private:
  std::vector<int> caught_;
  descriptor read_end_;
  descriptor write_end_;
};

}  // namespace numpool::cli
