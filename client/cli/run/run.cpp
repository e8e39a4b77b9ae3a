// numpool run: hold a number while a command runs.
#include <poll.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "child.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "guard.hpp"
#include "supervisor.hpp"

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

/// How the waiting ended: with a number, by the timeout (neither), or by a signal.
struct waited {
  const lease* held = nullptr;
  int signal = 0;
};

/// Waits for the outcome or a signal that ends the waiting.  After a signal the number, if it was
/// granted at that moment, has gone back.
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

turn_request request_of(const arguments& args, const char* application) {
  return {options_for(args, application), *args.pool, args.create, args.timeout,
          args.connect_timeout};
}

}  // namespace

int run_run(const arguments& args) {
  signal(SIGCHLD, SIG_DFL);  // inherited as ignored, it would hide the command's status
  // A message to a closed standard error must not end the process that looks after the command.
  const auto pipe_action = signal(SIGPIPE, SIG_IGN);
  signal_queue signals{SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGTSTP,  SIGCONT,
                       SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};
  guard outliver(args.grace);
  waiting_line line(args.verbose);  // outlives the turn, whose end ends what it asks
  turn queued(request_of(args, "numpool run"));
  line.show(queued.describer());
  const waited result = wait_for_turn(queued, signals);
  line.clear();
  if (result.signal != 0) return kSignalBase + result.signal;
  const lease* held = result.held;
  if (!held) throw_timed_out(*args.pool, queued);

  prctl(PR_SET_CHILD_SUBREAPER, 1);
  job_terminal terminal;
  const child_request request{
      args.command,
      {"NUMPOOL_POOL=" + *args.pool, "NUMPOOL_INDEX=" + std::to_string(held->index()),
       "NUMPOOL_FENCE=" + std::to_string(held->fence())},
      signals.original_mask(),
      pipe_action};
  const pid_t child = start_child(request, outliver, terminal);
  int status = 0;
  {
    supervisor keeper(child, args.grace, queued, signals, terminal);
    status = keeper.run();
  }
  outliver.watch(0);
  queued.release();
  return status;
}

int run_wait(const arguments& args) {
  // Signals keep their default action: the server notices the closed socket.
  waiting_line line(args.verbose);
  turn queued(request_of(args, "numpool wait"));
  line.show(queued.describer());
  pollfd event{queued.outcome_fd(), POLLIN, 0};
  while (poll(&event, 1, -1) < 0 && errno == EINTR) continue;
  if (!queued.outcome()) throw_timed_out(*args.pool, queued);
  queued.release();
  return kSuccess;
}

}  // namespace numpool::cli
