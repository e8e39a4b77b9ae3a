// Other programs, started and watched by a test.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "support/clock.h"

namespace numpool_test {

using Words = std::vector<std::string>;
using Variables = std::vector<std::pair<std::string, std::string>>;

// What a program is started with.
struct ProgramSetup {
  Variables env = {};      // added to the environment; an empty value removes the variable
  std::string input = "";  // standard input
  int terminal = -1;  // the controlling terminal and all three standard files, in a new session
  bool own_group = false;  // a process group of its own, which ^C and our end do not reach
};

// A program under way, killed and reaped by its destructor. Its standard input is /dev/null unless
// `input` was given; output and errors are read from files, so no pipe of a grandchild keeps it
// waiting. May be started where other threads run.
class Program {
 public:
  explicit Program(const Words& command, const ProgramSetup& setup = {});
  // This very program, whose main finds `role` in NUMPOOL_TEST_ROLE.
  static Program in_role(const std::string& role);
  ~Program();
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // SIGKILL, and waits for its end.
  void kill();
  bool running();
  // Waits for the end and returns the exit status; 1000 + n for death by signal n. Throws TestError
  // if it does not come in time.
  int wait(Milliseconds time = kDeadline);
  // Waits until it has printed the line; false if it ends instead.
  bool says(const std::string& line);
  // What has been written so far.
  std::string out() const;
  std::string err() const;

 private:
  pid_t pid_ = -1;
  int status_ = -1;  // once it has ended
  std::string folder_;
};

// Whether a process is there and no zombie.
bool alive(pid_t pid);

// The whole of a file, empty if it is not there.
std::string content(const std::string& path);

}  // namespace numpool_test
