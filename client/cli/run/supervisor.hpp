// Looking after the command of `numpool run` until it and its process group have ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "job_terminal.hpp"
#include "signal_queue.hpp"
#include "turn.hpp"

namespace numpool::cli {

/// The group is *running*; it is *ending* once it was sent SIGTERM by us (the lease was lost, or
/// the command left processes behind), and gets SIGKILL when the grace has passed.  It is over
/// when the command has been reaped and no process is left in the group.
class supervisor {
 public:
  /// `child` leads its own process group.  This process is to be a subreaper, so that what the
  /// command leaves behind becomes our child and its end is told by SIGCHLD.
  supervisor(pid_t child, std::chrono::milliseconds grace, turn& held, signal_queue& signals,
             job_terminal& terminal);
  /// SIGKILLs the group if it is not over.
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Returns the exit status for `numpool run`: the command's, 128 + n if signal n ended it, or
  /// kLeaseLost if the lease was lost while it ran.
  int run();

 private:
  using clock = std::chrono::steady_clock;

  void wait_for_event();
  void take_signals();
  void pass_on(int number);
  void reap();
  void on_stopped(int number);
  void on_continued();
  void on_lost();
  void begin_ending();
  bool over() const noexcept;

  const pid_t child_;
  const std::chrono::milliseconds grace_;
  turn& held_;
  signal_queue& signals_;
  job_terminal& terminal_;
  std::optional<int> status_;  // as run() returns it, once the command has been reaped
  bool lost_ = false;          // while the command ran
  bool loss_seen_ = false;
  bool ending_ = false;
  bool stop_passed_on_ = false;  // SIGTSTP came to us and went to the group
  std::optional<clock::time_point> kill_at_;
};

}  // namespace numpool::cli
