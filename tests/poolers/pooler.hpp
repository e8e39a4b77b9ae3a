// PgBouncer before the server of the tests.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace poolers_test {

/// What a pooler is started with: `pool_mode` of PgBouncer, how many server connections it keeps,
/// and any other settings, which win.
struct pooler_setup {
  std::string mode = "session";
  int size = 10;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// A PgBouncer of its own, reached by a Unix socket in a folder of its own; ended by the
/// destructor. Throws std::runtime_error, with PgBouncer's log, if it does not come up.
class pooler {
 public:
  explicit pooler(const pooler_setup& how);
  ~pooler();
  pooler(const pooler&) = delete;
  pooler& operator=(const pooler&) = delete;

  /// The way in, for libpq.
  std::string conninfo() const;
  /// The same as the environment of a program.
  std::vector<std::pair<std::string, std::string>> environment() const;
  /// The same as a path.
  std::string socket() const;
  pid_t pid() const { return pid_; }

  /// Stops it: from now on nothing passes, and what is sent to it stays on its way.
  void stop();
  /// Kills it: all its connections are closed at once.
  void kill();
  /// Starts it again. Before and after, the process may have threads.
  void start();
  /// From now on its new connections lead to the server with this port.
  void lead_to(int port);

 private:
  void write_configuration(const std::string& port) const;

  const pooler_setup how_;
  const std::string server_folder_;
  std::string folder_;
  std::string program_;
  std::string configuration_;
  pid_t pid_ = -1;
};

}  // namespace poolers_test
