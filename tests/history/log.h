// One process's log. Each line is written by one system call, so that what was logged is there even
// if the process is killed.
#pragma once

#include <string>

#include "history/event.h"

namespace numpool_test {

class Log {
 public:
  explicit Log(const std::string& file);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(const Event& event) { write(to_line(event)); }
  void write(const std::string& line);
  void fault(const std::string& what);

 private:
  int file_;
};

}  // namespace numpool_test
