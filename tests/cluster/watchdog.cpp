#include "watchdog.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "support/test_error.h"

namespace numpool_test {

namespace {

constexpr Time kSecond = 1000000000;
constexpr int kTick = 20;  // milliseconds

int pipe_at(const std::string& path) {
  // Opened for both, so that it never comes to an end when Patroni closes it, as no device does.
  if (mkfifo(path.c_str(), 0600) != 0) throw TestError("cannot make " + path);
  const int pipe = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (pipe < 0) throw TestError("cannot open " + path);
  return pipe;
}

}  // namespace

Watchdog::Watchdog(const std::string& path, std::function<void()> reset)
    : reset_(std::move(reset)), pipe_(pipe_at(path)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  over_ = true;
  thread_.join();
  close(pipe_);
}

void Watchdog::run() {
  while (!over_) {
    pollfd wanted = {pipe_, POLLIN, 0};
    poll(&wanted, 1, kTick);
    char words[256];
    const ssize_t got = read(pipe_, words, sizeof words);
    if (got > 0) hear(std::string(words, static_cast<std::size_t>(got)));
    if (!armed_ || now() - last_ < limit_) continue;
    armed_ = false;
    resets_++;
    reset_();
  }
}

void Watchdog::hear(const std::string& words) {
  static const std::string kLimit = "Ctimeout=";
  for (const char letter : words) {
    if (!command_.empty() || letter == kLimit[0]) {
      command_ += letter;
      if (letter != '\n') continue;
      if (command_.compare(0, kLimit.size(), kLimit) == 0)
        limit_ = std::atoi(command_.c_str() + kLimit.size()) * kSecond;
      command_.clear();
    } else {
      armed_ = letter != 'V';
      last_ = now();
    }
  }
}

}  // namespace numpool_test
