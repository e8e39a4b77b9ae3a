#include "supervisor.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "failure.hpp"
#include "guard.hpp"

namespace numpool::cli {

supervisor::supervisor(pid_t child, std::chrono::milliseconds grace, turn& held,
                       signal_queue& signals, job_terminal& terminal)
    : child_(child), grace_(grace), held_(held), signals_(signals), terminal_(terminal) {}

supervisor::~supervisor() {
  if (!over()) end_group(child_, SIGKILL);
}

bool supervisor::over() const noexcept {
  return status_ && !group_lives(child_);
}

int supervisor::run() {
  while (!over()) {
    wait_for_event();
    take_signals();
    if (status_ && !ending_ && group_lives(child_)) begin_ending();
    if (kill_at_ && clock::now() >= *kill_at_) {
      end_group(child_, SIGKILL);
      kill_at_.reset();
    }
  }
  return lost_ ? static_cast<int>(kLeaseLost) : *status_;
}

void supervisor::wait_for_event() {
  pollfd events[] = {{signals_.fd(), POLLIN, 0}, {loss_seen_ ? -1 : held_.lost_fd(), POLLIN, 0}};
  int timeout = -1;
  if (kill_at_) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at_ - clock::now());
    timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
  }
  // A member of the group may be another process's child, whose end nobody tells us.
  if (status_) timeout = timeout < 0 ? 20 : std::min(timeout, 20);
  if (poll(events, 2, timeout) < 0 && errno != EINTR) throw_errno("poll");
  if (!loss_seen_ && (events[1].revents & POLLIN) != 0) on_lost();
}

void supervisor::take_signals() {
  while (const auto number = signals_.next()) {
    if (*number == SIGCHLD) {
      reap();
    } else {
      pass_on(*number);
    }
  }
}

void supervisor::pass_on(int number) {
  if (number == SIGCONT) {
    on_continued();
  } else if (number == SIGTSTP) {
    stop_passed_on_ = true;
    kill(-child_, SIGTSTP);
    stop_self(false);
  } else if (number != SIGTTIN && number != SIGTTOU) {
    kill(-child_, number);
  }
}

void supervisor::reap() {
  int status = 0;
  // Any child: orphans of the group come to us, as we are a subreaper.
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
    if (pid != child_) continue;
    if (WIFSTOPPED(status)) {
      on_stopped(WSTOPSIG(status));
    } else {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
      terminal_.take_back();
    }
  }
}

void supervisor::on_stopped(int number) {
  if (ending_) {
    end_group(child_, SIGTERM);
    return;
  }
  if (stop_passed_on_) {  // and we have been stopped and continued ourselves since
    stop_passed_on_ = false;
    return;
  }
  const bool wants_terminal = number == SIGTTIN || number == SIGTTOU;
  if (wants_terminal && terminal_.lend(child_)) {
    kill(-child_, SIGCONT);
    return;
  }
  // Without the terminal, a stop is somebody's deliberate act on the command alone.
  if (!terminal_.lent() && !(wants_terminal && terminal_.exists())) return;
  terminal_.take_back();
  stop_self(true);
  sigset_t pending;
  sigpending(&pending);
  // Continued: SIGCONT is waiting to be read.  Otherwise the kernel discarded our stop, since no
  // shell could ever continue us: then the command goes on as well.
  if (number == SIGTSTP && sigismember(&pending, SIGCONT) == 0) on_continued();
}

void supervisor::on_continued() {
  stop_passed_on_ = false;
  if (!status_ && terminal_.lent_at_start()) terminal_.lend(child_);
  kill(-child_, SIGCONT);
}

void supervisor::on_lost() {
  loss_seen_ = true;
  if (status_) return;  // the command has ended: there is nothing to protect any more
  lost_ = true;
  complain("the lease was lost (" + held_.lost_reason() + "); ending the command");
  begin_ending();
}

void supervisor::begin_ending() {
  ending_ = true;
  kill_at_ = clock::now() + grace_;
  end_group(child_, SIGTERM);
}

}  // namespace numpool::cli
