// Running build/numpool from a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cli_test {

using words = std::vector<std::string>;
using variables = std::vector<std::pair<std::string, std::string>>;

/// What a program is started with.
struct program_setup {
  variables env;      // added to the environment; an empty value removes the variable
  std::string input;  // standard input
  int terminal = -1;  // the controlling terminal and all three standard files, in a new session
};

/// A program under way.  Its destructor kills it.  Its standard input is /dev/null unless `input`
/// was given; output and errors are read from files, so no pipe of a grandchild keeps it waiting.
class program {
 public:
  using setup = program_setup;

  /// Starts numpool with these words.
  explicit program(const words& arguments, const setup& how = {});
  /// Starts any program.
  static program any(const words& command, const setup& how = {});
  ~program();
  program(program&& other) noexcept;
  program& operator=(program&&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  /// Waits for the end, at most 20 s, and returns the exit status; 1000 + n for death by signal n.
  int wait();
  /// What has been written so far.
  std::string out() const;
  std::string err() const;

 private:
  program() = default;
  void start(const words& command, const setup& how);

  pid_t pid_ = -1;
  int status_ = -1;
  std::string folder_;
};

struct result {
  int status;
  std::string out;
  std::string err;
};

/// Runs numpool to its end.
result run(const words& arguments, const program::setup& how = {});

/// Looks every 5 ms for up to `limit` whether `condition` has become true.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds(10));

/// Whether a process is there and no zombie.
bool alive(pid_t pid);

/// The whole of a file, empty if it is not there.
std::string content(const std::string& path);

/// A name in a folder that is removed at the end of the test run.
std::string temporary_name(const std::string& name);

/// How many lines of `text` there are, each ended by a newline.
int lines(const std::string& text);

}  // namespace cli_test
