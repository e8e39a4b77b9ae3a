#include "child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <numpool/numpool.hpp>

extern char** environ;

int run_child(const std::string& role) {
  std::istringstream words(role);
  std::string verb, id;
  int leases = 0, waiters = 0;
  words >> verb >> std::quoted(id) >> leases >> waiters;
  if (verb == "leak") {
    static std::string* volatile kept = new std::string(100, 'x');
    const bool empty = kept->empty();
    kept = nullptr;
    return empty ? 1 : 0;
  }
  if (verb != "hold" && verb != "throw") return 2;
  numpool::client client;
  numpool::pool pool = client.open(id);
  std::vector<numpool::lease> held;
  for (int i = 0; i < leases; ++i) held.push_back(pool.acquire());
  for (int i = 0; i < waiters; ++i) pool.acquire_async([](numpool::acquire_result) {});
  while (pool.status().waiting < waiters) ::usleep(1000);
  if (verb == "throw") {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    pool.acquire_async([](numpool::acquire_result) { throw std::runtime_error("mine"); });
  }
  std::puts("ready");
  std::fflush(stdout);
  while (true) ::pause();
}

child_process::child_process(const std::string& role) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const std::string setting = "NUMPOOL_TEST_CHILD=" + role;
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(const_cast<char*>(setting.c_str()));
  environment.push_back(nullptr);
  char name[] = "client_tests_child";
  char* arguments[] = {name, nullptr};
  const int failed =
      posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  output_ = ends[0];
  if (failed != 0) throw std::runtime_error("posix_spawn");
}

child_process::~child_process() {
  kill();
  ::close(output_);
}

bool child_process::wait_ready() {
  char text[6];
  std::size_t got = 0;
  while (got < sizeof text) {
    const ssize_t more = ::read(output_, text + got, sizeof text - got);
    if (more <= 0) return false;
    got += static_cast<std::size_t>(more);
  }
  return true;
}

void child_process::signal(int number) {
  ::kill(pid_, number);
}

int child_process::wait_end() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

void child_process::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}
