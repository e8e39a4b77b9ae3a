// The terminal, lent to the command's process group as a shell lends it to a job.
#pragma once

#include <sys/types.h>

#include "descriptor.hpp"

namespace numpool::cli {

/// The controlling terminal, if there is one.  SIGTTOU must be blocked.
class job_terminal {
 public:
  job_terminal();
  /// Takes the terminal back.
  ~job_terminal() { take_back(); }
  job_terminal(const job_terminal&) = delete;
  job_terminal& operator=(const job_terminal&) = delete;

  int fd() const noexcept { return tty_.get(); }
  bool exists() const noexcept { return tty_.get() >= 0; }
  /// Whether our own process group is the one in the foreground.
  bool ours() const noexcept;
  /// Whether the command is to have the terminal from its start: standard input and output both
  /// are terminals.  In a pipeline another program may need it (`numpool run ... | less`); then
  /// the command gets it when it asks for it, that is, when SIGTTIN or SIGTTOU stops it.
  bool lent_at_start() const noexcept;

  /// Puts `group` in the foreground if we are there; false if we are not.
  bool lend(pid_t group) noexcept;
  /// Whether the group to which we lent it has it now.
  bool lent() const noexcept;
  /// Puts our own group there again, if the borrower still is.
  void take_back() noexcept;
  /// The child puts itself there before exec; this only remembers it.
  void note_lent(pid_t group) noexcept { borrower_ = group; }

 private:
  descriptor tty_;
  pid_t borrower_ = 0;
};

}  // namespace numpool::cli
