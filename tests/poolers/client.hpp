// Somebody who uses numpool by libpq, directly or behind a pooler.
#pragma once

#include <libpq-fe.h>
#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/pool.h"
#include "pooler.hpp"

namespace poolers_test {

/// The statement that calls a function of one pool.
inline std::string call(const char* function, const numpool_test::Pool& pool) {
  return std::string("SELECT ") + function + "('" + pool.name() + "')";
}

/// A notification as libpq hands it out.
struct notification {
  std::string channel;
  std::string payload;
  int sender;
};

/// A connection; disconnects as a well-behaved program does.
class client {
 public:
  explicit client(const pooler& through) : client(through.conninfo()) {}
  explicit client(const std::string& conninfo);

  /// The first value of the last result, empty for NULL or no row.  An error fails the test.
  std::string query(const std::string& sql);
  /// The message of the error, which must come.
  std::string refused(const std::string& sql);
  void send(const std::string& sql);
  std::string answer();  ///< to send()

  /// The next notification, if one comes in time.
  std::optional<notification> notified(std::chrono::milliseconds within);
  /// What the connection was told of its backend; a pooler invents it.
  int pid_told() const { return PQbackendPID(connection_.get()); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// A program of its own that connects, runs statements, and then sits there until it is killed.
class doomed_client {
 public:
  doomed_client(const pooler& through, const std::vector<std::string>& statements);
  ~doomed_client() { kill(); }
  doomed_client(const doomed_client&) = delete;
  doomed_client& operator=(const doomed_client&) = delete;

  void kill();

 private:
  pid_t pid_;
};

/// A line that tests/poolers/check-table compares with README: what `row` of its table says in the
/// column of `mode`.  Call it at the end of a test case that showed it.
void shows(const std::string& row, const std::string& mode, const std::string& verdict);

}  // namespace poolers_test
