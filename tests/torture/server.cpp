#include "server.h"

#include <signal.h>
#include <sys/shm.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace numpool_test {

namespace {

// Each has limits of its own, so this is for one that does not keep to them.
constexpr auto kProgramTime = 600s;

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

// Whether any process works there, as every process of a server does in its data folder.
bool somebody_works_in(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path wanted = std::filesystem::canonical(folder, error);
  for (const auto& process : std::filesystem::directory_iterator("/proc", error))
    if (std::filesystem::read_symlink(process.path() / "cwd", error) == wanted) return true;
  return false;
}

}  // namespace

int run_program(const Words& words) {
  ProgramSetup setup;
  // Where clients look for servers is no setting of a server.
  setup.env = {{"PGHOST", ""}, {"PGPORT", ""}, {"PGTARGETSESSIONATTRS", ""}};
  setup.own_group = true;
  return Program(words, setup).wait(kProgramTime);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

long anonymous_memory(pid_t pid) {
  const long memory = status_of(pid, "RssAnon");
  return memory > 0 ? memory : 0;
}

Server::Server(std::string data, int port) : data_(std::move(data)), port_(port) {}

Server Server::of_environment() {
  const int port = std::atoi(environment("PGPORT").c_str());
  return {environment("PGDATA"), port > 0 ? port : 5432};
}

pid_t Server::postmaster() const {
  std::ifstream in(data_ + "/postmaster.pid");
  pid_t pid = 0;
  in >> pid;
  return pid;
}

bool Server::has_backend(pid_t pid) const {
  const pid_t parent = postmaster();
  return pid > 0 && parent > 0 && status_of(pid, "PPid") == parent;
}

bool Server::signal_backend(pid_t pid, int number) const {
  return has_backend(pid) && kill(pid, number) == 0;
}

bool Server::stop(const std::string& mode, int seconds) const {
  return run_program(
             {"pg_ctl", "-D", data_, "-m", mode, "-t", std::to_string(seconds), "-w", "stop"}) == 0;
}

bool Server::start(int seconds) const {
  // A killed postmaster is in the way until its parent has noticed, which is init and not us.
  const pid_t former = postmaster();
  for (int i = 0; i < 1000 && former > 0 && status_of(former, "PPid") >= 0; i++) nap(10ms);
  for (int tries = 0; tries < seconds * 10; tries++) {
    if (run_program({"pg_ctl", "-D", data_, "-l", environment("NUMPOOL_SERVER_LOG"), "-o",
                     "-p " + std::to_string(port_), "-w", "-t", "60", "start"}) == 0)
      return true;
    nap(100ms);
  }
  return false;
}

void Server::kill_postmaster() const {
  const pid_t pid = postmaster();
  if (pid > 0) kill(pid, SIGKILL);
}

long Server::memory() const {
  const pid_t parent = postmaster();
  long sum = anonymous_memory(parent);
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(process.path().filename().c_str());
    if (has_backend(pid)) sum += anonymous_memory(pid);
  }
  return sum;
}

bool Server::gone_within(int seconds) const {
  for (int i = 0; i < seconds * 100; i++) {
    if (!somebody_works_in(data_)) return true;
    nap(10ms);
  }
  return false;
}

void Server::remove() const {
  // Its seventh line has the key and the number of the segment.
  std::ifstream in(data_ + "/postmaster.pid");
  std::string line;
  for (int i = 0; i < 6; i++) std::getline(in, line);
  unsigned long key = 0;
  int segment = -1;
  shmid_ds state = {};
  if (in >> key >> segment && shmctl(segment, IPC_STAT, &state) == 0 && state.shm_nattch == 0)
    shmctl(segment, IPC_RMID, nullptr);
  std::error_code error;
  std::filesystem::remove_all(data_, error);
}

}  // namespace numpool_test
