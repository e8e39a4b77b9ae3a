// A client of its own process, to be killed or stopped.
#pragma once

#include <string>
#include <vector>

#include "support/program.h"

namespace numpool_test {

// Connects, runs the statements one after the other, and then waits to be killed: with SIGKILL at
// the end of the scope if not before. It is the program of the tests itself, so its main calls
// play_client_role().
class ClientProcess {
 public:
  explicit ClientProcess(const std::vector<std::string>& statements);

  int backend_pid() const { return backend_pid_; }
  void signal(int number) const { program_.signal(number); }
  void kill() { program_.kill(); }

 private:
  Program program_;
  int backend_pid_ = 0;
};

// Does not return if this process was started by a ClientProcess.
void play_client_role();

}  // namespace numpool_test
