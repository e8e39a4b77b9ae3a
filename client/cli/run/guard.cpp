#include "guard.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "failure.hpp"

namespace numpool::cli {
namespace {

void close_all_but(int kept) {
  const long limit = sysconf(_SC_OPEN_MAX);
  if (kept > 0 && close_range(0, static_cast<unsigned>(kept) - 1, 0) == 0 &&
      close_range(static_cast<unsigned>(kept) + 1, ~0U, 0) == 0) {
    return;
  }
  for (int fd = 0; fd < (limit > 0 && limit < 65536 ? limit : 65536); ++fd) {
    if (fd != kept) close(fd);
  }
}

/// Whether the process is in `group` and no zombie.
bool lives_in(pid_t pid, pid_t group) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  char text[512];
  const ssize_t n = file.get() < 0 ? -1 : read(file.get(), text, sizeof text - 1);
  if (n <= 0) return false;
  text[n] = '\0';
  // PID (NAME) STATE PARENT GROUP ..., where the name may have anything in it.
  const char* rest = std::strrchr(text, ')');
  if (!rest || rest[1] != ' ' || rest[2] == 'Z' || rest[2] == 'X') return false;
  char* parent = nullptr;
  std::strtol(rest + 3, &parent, 10);
  return std::strtol(parent, nullptr, 10) == group;
}

void end_within(pid_t group, std::chrono::milliseconds grace) {
  using std::chrono::steady_clock;
  end_group(group, SIGTERM);
  // The group's members are not our children: looking again and again is all that can be done.
  for (const auto end = steady_clock::now() + grace; steady_clock::now() < end;) {
    if (!group_lives(group)) return;
    poll(nullptr, 0, 20);
  }
  end_group(group, SIGKILL);
}

[[noreturn]] void stand_guard(int socket, std::chrono::milliseconds grace) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  setsid();
  prctl(PR_SET_NAME, "numpool-guard");
  close_all_but(socket);
  if (chdir("/") != 0) _exit(1);

  pid_t group = 0;
  for (;;) {
    pid_t told = 0;
    const ssize_t n = recv(socket, &told, sizeof told, MSG_WAITALL);
    if (n == static_cast<ssize_t>(sizeof told)) {
      group = told;
      send(socket, &told, sizeof told, MSG_NOSIGNAL);
    } else if (n >= 0 || errno != EINTR) {
      break;
    }
  }
  if (group > 0) end_within(group, grace);
  _exit(0);
}

/// Whether a look through /proc finds a member of `group` that is no zombie.
bool seen_alive(pid_t group) noexcept {
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(opendir("/proc"), &closedir);
  if (!processes) return true;
  bool any = false;
  while (const dirent* entry = readdir(processes.get())) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    any = true;
    if (lives_in(pid, group)) return true;
  }
  return !any;  // an empty /proc tells nothing
}

}  // namespace

bool group_lives(pid_t group) noexcept {
  if (kill(-group, 0) != 0 && errno != EPERM) return false;
  // Somebody is there.  It may be a zombie whose parent never asks for it.  A second look, since a
  // process that forks and ends during the first may hide its child from it.
  if (seen_alive(group)) return true;
  return seen_alive(group);
}

void end_group(pid_t group, int number) noexcept {
  kill(-group, number);
  kill(-group, SIGCONT);
}

guard::guard(std::chrono::milliseconds grace) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw_errno("socketpair");
  socket_ = descriptor(pair[0]);
  const descriptor other(pair[1]);
  pid_ = fork();
  if (pid_ < 0) throw_errno("cannot start a process");
  if (pid_ == 0) stand_guard(pair[1], grace);
}

guard::~guard() {
  watch(0);
  socket_.reset();
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void guard::watch(pid_t group) noexcept {
  if (send(socket_.get(), &group, sizeof group, MSG_NOSIGNAL) < 0) return;
  pid_t echo = 0;
  while (recv(socket_.get(), &echo, sizeof echo, MSG_WAITALL) < 0 && errno == EINTR) continue;
}

}  // namespace numpool::cli
