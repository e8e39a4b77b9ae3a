// Signals taken from a descriptor instead of handlers.
#pragma once

#include <csignal>

#include <initializer_list>
#include <optional>

#include "descriptor.hpp"

namespace numpool::cli {

/// Blocks the given signals in this thread and in those it starts from now on, and reads them from
/// a descriptor.  Signals that were ignored when the program started stay ignored and never come.
/// They stay blocked for good: one that comes when nobody reads any more, as the command has ended,
/// must not end the program in the command's place.
class signal_queue {
 public:
  signal_queue(std::initializer_list<int> numbers);
  ~signal_queue() = default;
  signal_queue(const signal_queue&) = delete;
  signal_queue& operator=(const signal_queue&) = delete;

  int fd() const noexcept { return fd_.get(); }
  /// The next signal that has come, without waiting.
  std::optional<int> next();
  /// The mask from before, for a child.
  const sigset_t& original_mask() const noexcept { return original_; }

 private:
  sigset_t original_;
  descriptor fd_;
};

/// Stops this process (`whole_group`: its process group) as SIGTSTP does by default, and returns
/// once it has been continued.  Returns at once where the kernel discards the stop, as it does in
/// an orphaned process group, or where SIGTSTP is ignored.
void stop_self(bool whole_group);

}  // namespace numpool::cli
