#include "waiting.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "failure.hpp"

namespace numpool::cli {
namespace {

constexpr std::chrono::milliseconds kLeaveLimit{1000};

/// Ends the process at once, without waiting for a thread that is still trying to connect.
[[noreturn]] void exit_now(int status) {
  std::fflush(nullptr);
  _exit(status);
}

bool ends_waiting(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

}  // namespace

waited wait_for_turn(turn& queued, signal_queue& signals) {
  for (;;) {
    pollfd events[] = {{signals.fd(), POLLIN, 0}, {queued.outcome_fd(), POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR) throw_errno("poll");
    // Signals first: one that came before the number did must win.
    while (const auto number = signals.next()) {
      if (ends_waiting(*number)) {
        if (!queued.leave(kLeaveLimit)) exit_now(kSignalBase + *number);
        return {nullptr, *number};
      }
      if (*number == SIGTSTP) stop_self(false);
    }
    if ((events[1].revents & POLLIN) != 0) return {queued.outcome(), 0};
  }
}

timed_options timed_options_of(const arguments& args) {
  timed_options out;
  out.ttl = *args.ttl;
  out.holder = args.holder.value_or("");
  out.token = args.token.value_or("");
  return out;
}

}  // namespace numpool::cli
