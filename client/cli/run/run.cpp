// numpool run: hold a number while a command runs.
#include <poll.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "child.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "guard.hpp"
#include "supervisor.hpp"
#include "waiting.hpp"

namespace numpool::cli {
namespace {

std::optional<std::string> settings_of(const arguments& args) {
  if (!args.ephemeral) return std::nullopt;
  const auto time = args.ephemeral->count();
  if (*args.ephemeral == kUsualEphemeral) return R"({"ephemeral": true})";
  const bool whole = time % 1000 == 0;
  return R"({"ephemeral": ")" + std::to_string(whole ? time / 1000 : time) +
         (whole ? R"( s"})" : R"( ms"})");
}

turn_request request_of(const arguments& args, const char* application) {
  turn_request out{options_for(args, application), *args.pool, args.create, args.timeout,
                   args.connect_timeout};
  out.settings = settings_of(args);
  out.options.transaction_pooling = args.transaction_pooling;
  if (args.ttl) out.timed = timed_options_of(args);
  return out;
}

std::vector<std::string> variables_of(const std::string& pool, const held_number& held) {
  return {"NUMPOOL_POOL=" + pool, "NUMPOOL_INDEX=" + std::to_string(held.index),
          "NUMPOOL_FENCE=" + std::to_string(held.fence),
          held.token.empty() ? "NUMPOOL_TOKEN" : "NUMPOOL_TOKEN=" + held.token};
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
  if (!result.held) throw_timed_out(*args.pool, queued);

  prctl(PR_SET_CHILD_SUBREAPER, 1);
  job_terminal terminal;
  const child_request request{args.command, variables_of(*args.pool, *result.held),
                              signals.original_mask(), pipe_action};
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
