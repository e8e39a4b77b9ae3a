// A server as its processes: found by its data folder, signalled, shut down and started again.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/program.h"

namespace numpool_test {

class Server {
 public:
  Server(std::string data, int port);
  // The one that libpq's environment and $PGDATA name.
  static Server of_environment();

  const std::string& data() const { return data_; }
  int port() const { return port_; }

  // 0 if there is none.
  pid_t postmaster() const;
  // Whether the process is a backend of this server, and not one of another that has its number
  // now.
  bool has_backend(pid_t pid) const;
  // Signals a backend of this server. False if it is none.
  bool signal_backend(pid_t pid, int number) const;

  // pg_ctl stop with this mode; true if it stopped in time.
  bool stop(const std::string& mode, int seconds) const;
  // Starts it, again and again while what an earlier one left is still in the way.
  bool start(int seconds) const;
  void kill_postmaster() const;
  // Anonymous memory of all its processes, in kB.
  long memory() const;
  // Waits until no process is left, the orphans of a killed postmaster included.
  bool gone_within(int seconds) const;
  // Removes the data folder, and the shared memory that a killed postmaster has left. It must be
  // gone.
  void remove() const;

 private:
  std::string data_;
  int port_;
};

// The exit status of a program of PostgreSQL's whose output nobody wants. A signal to the process
// group does not end it, so that what it starts can be found afterwards.
int run_program(const Words& words);

// "" if it is not set.
std::string environment(const char* name);

// Anonymous memory of a process, in kB; 0 if it is gone.
long anonymous_memory(pid_t pid);

}  // namespace numpool_test
