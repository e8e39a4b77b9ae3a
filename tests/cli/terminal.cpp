#include "terminal.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace numpool_test {

Terminal::Terminal(int rows, int columns) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  REQUIRE(openpty(&master_, &slave_, nullptr, nullptr, &size) == 0);
  fcntl(master_, F_SETFD, FD_CLOEXEC);
  fcntl(slave_, F_SETFD, FD_CLOEXEC);
  fcntl(master_, F_SETFL, O_NONBLOCK);
}

Terminal::~Terminal() {
  close(master_);
  close(slave_);
}

Program Terminal::start(const Words& command) {
  return Program(command, {{{"TERM", "xterm"}, {"LC_ALL", "C"}}, "", slave_});
}

void Terminal::type(const std::string& keys) const {
  CHECK(write(master_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

const std::string& Terminal::shown() {
  char buffer[4096];
  for (ssize_t n; (n = read(master_, buffer, sizeof buffer)) > 0;) {
    shown_.append(buffer, static_cast<std::size_t>(n));
  }
  return shown_;
}

bool Terminal::shows(const std::string& part) {
  const bool found =
      eventually([&] { return shown().find(part, seen_) != std::string::npos; }, kSoon);
  if (found) {
    seen_ = shown_.find(part, seen_) + part.size();
  } else {
    MESSAGE("not shown: " << part << "; shown since: " << shown_.substr(seen_));
  }
  return found;
}

termios Terminal::settings() const {
  termios out{};
  REQUIRE(tcgetattr(slave_, &out) == 0);
  return out;
}

pid_t Terminal::foreground() const {
  // The master may be asked by anyone; the slave only by those whose terminal it is.
  pid_t group = 0;
  REQUIRE(ioctl(master_, TIOCGPGRP, &group) == 0);
  return group;
}

void Terminal::resize(int rows, int columns) const {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  REQUIRE(ioctl(master_, TIOCSWINSZ, &size) == 0);
}

}  // namespace numpool_test
