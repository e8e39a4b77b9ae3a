#pragma once

#include <sys/types.h>

#include <string>

/// What this program does instead of testing when NUMPOOL_TEST_CHILD names a role:
///   hold "POOL" LEASES WAITERS   takes so many leases, queues so many waits, says "ready", sleeps
///   leak                         loses 100 bytes and ends well, if nothing looks
///   throw "POOL" LEASES 0        the same, then a callback throws
int run_child(const std::string& role);

/// This program as another process in such a role; killed and reaped by the destructor.
class child_process {
 public:
  explicit child_process(const std::string& role);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// Waits until it says "ready"; false if it ends instead.
  bool wait_ready();
  void signal(int number);
  /// Waits for its end; the status as waitpid() gives it.
  int wait_end();
  /// SIGKILL, and waits for its end.
  void kill();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};
