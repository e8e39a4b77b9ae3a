#include "support/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/folder.h"
#include "support/test_error.h"

extern char** environ;

namespace numpool_test {

namespace {

Words environment_with(const Variables& changes) {
  Words all;
  for (char** entry = environ; *entry != nullptr; entry++) {
    const std::string text = *entry;
    bool changed = false;
    for (const auto& [name, value] : changes)
      changed = changed || text.compare(0, name.size() + 1, name + "=") == 0;
    if (!changed) all.push_back(text);
  }
  for (const auto& [name, value] : changes)
    if (!value.empty()) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(Words& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

// What happens in the new process before the program begins.
class SpawnPlan {
 public:
  SpawnPlan(const ProgramSetup& setup, const std::string& folder) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t defaults, none;
    sigemptyset(&defaults);
    sigemptyset(&none);
    for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP, SIGPIPE})
      sigaddset(&defaults, number);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setsigmask(&attributes_, &none);
    if (setup.own_group) flags |= POSIX_SPAWN_SETPGROUP;
    if (setup.terminal >= 0) {
      // The first terminal that the leader of a session opens is its controlling terminal.
      flags |= POSIX_SPAWN_SETSID;
      const std::string terminal = "/proc/self/fd/" + std::to_string(setup.terminal);
      for (const int fd : {0, 1, 2}) open(fd, terminal, O_RDWR);
    } else {
      open(0, setup.input.empty() ? "/dev/null" : folder + "/in", O_RDONLY);
      open(1, folder + "/out", O_WRONLY | O_CREAT | O_APPEND);
      open(2, folder + "/err", O_WRONLY | O_CREAT | O_APPEND);
    }
    posix_spawnattr_setflags(&attributes_, flags);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void open(int fd, const std::string& path, int flags) {
    posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0600);
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Program::Program(const Words& command, const ProgramSetup& setup) : folder_(new_folder("program")) {
  if (!setup.input.empty()) std::ofstream(folder_ + "/in") << setup.input;
  const SpawnPlan plan(setup, folder_);
  Words words = command, environment = environment_with(setup.env);
  const int failed = posix_spawnp(&pid_, words.front().c_str(), plan.actions(), plan.attributes(),
                                  pointers(words).data(), pointers(environment).data());
  if (failed != 0) throw TestError("cannot start " + words.front() + ": " + std::strerror(failed));
}

Program Program::in_role(const std::string& role) {
  ProgramSetup setup;
  setup.env = {{"NUMPOOL_TEST_ROLE", role}};
  return Program({"/proc/self/exe"}, setup);
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      folder_(std::exchange(other.folder_, "")) {}

Program::~Program() {
  kill();
  std::error_code error;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
}

void Program::signal(int number) const {
  if (::kill(pid_, number) != 0) throw TestError("cannot signal " + std::to_string(pid_));
}

void Program::kill() {
  if (pid_ <= 0 || status_ >= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  status_ = 1000 + SIGKILL;
}

bool Program::running() {
  if (status_ >= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_)
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return status_ < 0;
}

int Program::wait(Milliseconds time) {
  if (!eventually([&] { return !running(); }, time))
    throw TestError("the program did not end; its errors: " + err());
  return status_;
}

bool Program::says(const std::string& line) {
  const auto said = [&] { return ("\n" + out()).find("\n" + line + "\n") != std::string::npos; };
  bool over = false;
  eventually([&] { return said() || (over = !running()); });
  return said();
}

std::string Program::out() const {
  return content(folder_ + "/out");
}

std::string Program::err() const {
  return content(folder_ + "/err");
}

bool alive(pid_t pid) {
  const std::string status = content("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = status.rfind(") ");
  return end != std::string::npos && status[end + 2] != 'Z' && status[end + 2] != 'X';
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace numpool_test
