// Starting the command of `numpool run`.
#pragma once

#include <csignal>
#include <sys/types.h>

#include <string>
#include <vector>

#include "guard.hpp"
#include "job_terminal.hpp"

namespace numpool::cli {

struct child_request {
  std::vector<std::string> command;    ///< never empty; found by PATH
  std::vector<std::string> variables;  ///< NAME=VALUE, added to the environment; NAME, removed
  sigset_t mask;                       ///< the command's signal mask
  void (*pipe_action)(int);            ///< the command's disposition of SIGPIPE
};

/// Starts the command in a process group of its own, whose number is the pid returned, and returns
/// when it runs.  Before its first instruction
/// - the guard knows the group,
/// - the kernel has been told to send it SIGTERM when this thread dies (PR_SET_PDEATHSIG; a command
///   that is set-user-ID loses that at exec, and children never inherit it: hence the guard), with
///   a look at getppid() for a death before that,
/// - it has the terminal, if the terminal is to be lent from the start.
/// To be called from the main thread.  Throws failure(kNotFound), failure(kNotExecutable), or
/// failure(kInternal).
pid_t start_child(const child_request& request, guard& outliver, job_terminal& terminal);

}  // namespace numpool::cli
