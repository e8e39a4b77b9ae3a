#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace numpool_test {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

void nap(long milliseconds) {
  const timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

// The number after "KEY:" in /proc/PID/status; -1 if there is none.
long status_of(pid_t pid, const std::string& key) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(in, line)) {
    if (line.compare(0, key.size() + 1, key + ":") != 0) continue;
    return std::strtol(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return -1;
}

// The exit status of a program whose output nobody wants.
int run(std::vector<std::string> words) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) dup2(nowhere, fd);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

pid_t postmaster_pid() {
  std::ifstream in(environment("PGDATA") + "/postmaster.pid");
  pid_t pid = 0;
  in >> pid;
  return pid;
}

bool is_our_backend(pid_t pid) {
  const pid_t postmaster = postmaster_pid();
  return pid > 0 && postmaster > 0 && status_of(pid, "PPid") == postmaster;
}

bool signal_backend(pid_t pid, int number) {
  return is_our_backend(pid) && kill(pid, number) == 0;
}

long anonymous_memory(pid_t pid) {
  const long memory = status_of(pid, "RssAnon");
  return memory > 0 ? memory : 0;
}

bool stop_server(const std::string& mode, int seconds) {
  return run({"pg_ctl", "-D", environment("PGDATA"), "-m", mode, "-t", std::to_string(seconds),
              "-w", "stop"}) == 0;
}

bool start_server(int seconds) {
  for (int tries = 0; tries < seconds * 10; tries++) {
    if (run({"pg_ctl", "-D", environment("PGDATA"), "-l", environment("NUMPOOL_SERVER_LOG"), "-w",
             "-t", "60", "start"}) == 0)
      return true;
    nap(100);
  }
  return false;
}

void kill_postmaster() {
  const pid_t pid = postmaster_pid();
  if (pid <= 0) return;
  kill(pid, SIGKILL);
  // It is init's child, not ours.
  for (int i = 0; i < 1000 && kill(pid, 0) == 0 && status_of(pid, "PPid") >= 0; i++) nap(10);
}

}  // namespace numpool_test
