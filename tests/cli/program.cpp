#include "program.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "support/folder.h"

extern char** environ;

namespace cli_test {
namespace {

void redirect(const std::string& path, int flags, int to) {
  const int fd = open(path.c_str(), flags, 0600);
  if (fd < 0 || dup2(fd, to) < 0) _exit(99);
  if (fd != to) close(fd);
}

void take_terminal(int terminal) {
  if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) _exit(99);
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(terminal, fd) < 0) _exit(99);
  }
  if (terminal > 2) close(terminal);
}

}  // namespace

program::program(const words& arguments, const setup& how) {
  words command{"build/numpool"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  start(command, how);
}

program program::any(const words& command, const setup& how) {
  program made;
  made.start(command, how);
  return made;
}

program::program(program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      folder_(std::move(other.folder_)) {}

program::~program() {
  if (pid_ > 0 && status_ < 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void program::start(const words& command, const setup& how) {
  folder_ = numpool_test::new_folder("cli");
  if (!how.input.empty()) std::ofstream(folder_ + "/in") << how.input;
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ > 0) return;
  // The tests have no other threads when they start programs, so anything may be called here.
  for (int number : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP}) ::signal(number, SIG_DFL);
  for (const auto& [name, value] : how.env) {
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  if (how.terminal >= 0) {
    take_terminal(how.terminal);
  } else {
    redirect(how.input.empty() ? "/dev/null" : folder_ + "/in", O_RDONLY, 0);
    redirect(folder_ + "/out", O_WRONLY | O_CREAT | O_APPEND, 1);
    redirect(folder_ + "/err", O_WRONLY | O_CREAT | O_APPEND, 2);
  }
  execvp(argv[0], argv.data());
  _exit(98);
}

void program::signal(int number) const {
  CHECK(kill(pid_, number) == 0);
}

bool program::running() {
  if (status_ >= 0) return false;
  int status = 0;
  const pid_t got = waitpid(pid_, &status, WNOHANG);
  if (got == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  return status_ < 0;
}

int program::wait() {
  const bool ended = eventually([&] { return !running(); }, std::chrono::seconds(20));
  CAPTURE(err());
  REQUIRE_MESSAGE(ended, "the program did not end");
  return status_;
}

std::string program::out() const {
  return content(folder_ + "/out");
}
std::string program::err() const {
  return content(folder_ + "/err");
}

result run(const words& arguments, const program::setup& how) {
  program started(arguments, how);
  const int status = started.wait();
  return {status, started.out(), started.err()};
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
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

std::string temporary_name(const std::string& name) {
  static const std::string folder = numpool_test::new_folder("cli");
  static std::atomic<int> count{0};
  return folder + "/" + name + "." + std::to_string(++count);
}

int lines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace cli_test
