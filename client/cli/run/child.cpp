#include "child.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "failure.hpp"

namespace numpool::cli {
namespace {

/// Everything the child needs, laid out before fork(): after it the child may call only what is
/// safe in a signal handler, since other threads of the parent may have held any lock.
struct prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  sigset_t mask;
  void (*pipe_action)(int);
  pid_t parent;
  int gate;  // the child's end: a byte comes when it may go on, errno of exec goes back
  int parents_gate;
  int tty;  // -1: leave the terminal alone
};

/// Whether `command` is a file, or, without a slash in it, a file in one of PATH's folders.  For
/// exec a folder of PATH that may not be read is the same as a file that may not be executed.
bool is_there(const std::string& command) {
  if (command.find('/') != std::string::npos) return access(command.c_str(), F_OK) == 0;
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/bin:/usr/bin";
  for (;;) {
    const std::size_t colon = rest.find(':');
    std::string file(rest.substr(0, colon));
    if (!file.empty()) file += '/';
    file += command;
    if (access(file.c_str(), F_OK) == 0) return true;
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

std::string_view name_of(const char* variable) {
  const char* equals = std::strchr(variable, '=');
  return equals ? std::string_view(variable, static_cast<std::size_t>(equals - variable))
                : std::string_view(variable);
}

std::vector<char*> merged_environment(const std::vector<std::string>& added) {
  std::vector<char*> out;
  for (char** variable = environ; *variable; ++variable) {
    bool replaced = false;
    for (const auto& a : added) replaced = replaced || name_of(a.c_str()) == name_of(*variable);
    if (!replaced) out.push_back(*variable);
  }
  for (const auto& a : added)
    if (a.find('=') != std::string::npos) out.push_back(const_cast<char*>(a.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become_command(const prepared& p) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != p.parent) _exit(kInternal);
  // Otherwise this copy would keep the other end open, and the parent's death would go unnoticed.
  close(p.parents_gate);
  char go = 0;
  ssize_t n;
  do {
    n = read(p.gate, &go, 1);
  } while (n < 0 && errno == EINTR);
  if (n != 1) _exit(kInternal);
  if (p.tty >= 0) tcsetpgrp(p.tty, getpid());
  signal(SIGPIPE, p.pipe_action);
  sigprocmask(SIG_SETMASK, &p.mask, nullptr);
  execvpe(p.argv[0], p.argv.data(), p.envp.data());
  const int reason = errno;
  send(p.gate, &reason, sizeof reason, MSG_NOSIGNAL);
  _exit(kNotFound);
}

}  // namespace

pid_t start_child(const child_request& request, guard& outliver, job_terminal& terminal) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw_errno("socketpair");
  const descriptor gate(pair[0]);
  descriptor childs_gate(pair[1]);
  const bool lend = terminal.lent_at_start();

  prepared p{{},           merged_environment(request.variables),
             request.mask, request.pipe_action,
             getpid(),     pair[1],
             pair[0],      lend ? terminal.fd() : -1};
  for (const auto& word : request.command) p.argv.push_back(const_cast<char*>(word.c_str()));
  p.argv.push_back(nullptr);

  const pid_t pid = fork();
  if (pid < 0) throw_errno("cannot start a process");
  if (pid == 0) become_command(p);
  childs_gate.reset();
  setpgid(pid, pid);  // in both, so that the group exists whoever runs first
  outliver.watch(pid);
  if (lend) terminal.note_lent(pid);
  const char go = 1;
  send(gate.get(), &go, 1, MSG_NOSIGNAL);

  int reason = 0;
  ssize_t n;
  do {
    n = recv(gate.get(), &reason, sizeof reason, MSG_WAITALL);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof reason)) return pid;  // closed by exec, or killed

  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
  outliver.watch(0);
  terminal.take_back();
  const std::string& command = request.command[0];
  if (reason == EACCES && !is_there(command)) reason = ENOENT;
  const bool missing = reason == ENOENT || reason == ENOTDIR;
  throw failure(missing ? kNotFound : kNotExecutable,
                "cannot run \"" + command + "\": " + std::strerror(reason));
}

}  // namespace numpool::cli
