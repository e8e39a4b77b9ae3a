#include "job_terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace numpool::cli {

job_terminal::job_terminal() : tty_(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}

bool job_terminal::ours() const noexcept {
  return exists() && tcgetpgrp(tty_.get()) == getpgrp();
}

bool job_terminal::lent_at_start() const noexcept {
  return ours() && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool job_terminal::lend(pid_t group) noexcept {
  if (!ours() || tcsetpgrp(tty_.get(), group) != 0) return false;
  borrower_ = group;
  return true;
}

bool job_terminal::lent() const noexcept {
  return borrower_ != 0 && tcgetpgrp(tty_.get()) == borrower_;
}

void job_terminal::take_back() noexcept {
  if (lent()) tcsetpgrp(tty_.get(), getpgrp());
  borrower_ = 0;
}

}  // namespace numpool::cli
