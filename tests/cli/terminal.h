// A pseudo terminal, played by the test.
#pragma once

#include <termios.h>

#include <string>

#include "program.h"

namespace numpool_test {

class Terminal {
 public:
  explicit Terminal(int rows = 24, int columns = 80);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Starts a Numpool in a new session with this as its controlling terminal.
  Program start(const Words& command);
  // Types keys.
  void type(const std::string& keys) const;
  // Everything shown so far.
  const std::string& shown();
  // Waits until `part` has been shown after what the last call found, at most 10 s.
  bool shows(const std::string& part);
  termios settings() const;
  // The process group in the foreground.
  pid_t foreground() const;
  void resize(int rows, int columns) const;

 private:
  int master_ = -1;
  int slave_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

}  // namespace numpool_test
