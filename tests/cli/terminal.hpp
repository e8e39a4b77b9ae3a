// A pseudo terminal, played by the test.
#pragma once

#include <termios.h>

#include <string>

#include "program.hpp"

namespace cli_test {

class terminal {
 public:
  explicit terminal(int rows = 24, int columns = 80);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  /// Starts a program in a new session with this as its controlling terminal.
  program start(const words& command);
  /// Types keys.
  void type(const std::string& keys) const;
  /// Everything shown so far.
  const std::string& shown();
  /// Waits until `part` has been shown after what the last call found, at most 10 s.
  bool shows(const std::string& part);
  termios settings() const;
  /// The process group in the foreground.
  pid_t foreground() const;
  void resize(int rows, int columns) const;

 private:
  int master_ = -1;
  int slave_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

}  // namespace cli_test
