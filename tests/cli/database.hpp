// The server beside the tests, by plain libpq.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace cli_test {

/// A connection of the test's own, to the database of PG*.
class session {
 public:
  session();
  /// Runs a statement; its first value as text, empty for NULL or no row.  An error fails the test.
  std::string query(const std::string& sql, const std::vector<std::string>& parameters = {});
  int number(const std::string& sql, const std::vector<std::string>& parameters = {}) {
    return std::stoi(query(sql, parameters));
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// A pool that the test has to itself: made with `size` numbers, or only named if that is 0, and
/// dropped by force at the end.
class test_pool {
 public:
  explicit test_pool(int size = 4);
  ~test_pool();
  test_pool(const test_pool&) = delete;
  test_pool& operator=(const test_pool&) = delete;

  const std::string& name() const { return name_; }
  session& sql() { return sql_; }
  int in_use();
  int waiting();
  /// Wait for the count, at most 10 s; false if it does not come about.
  bool has_in_use(int count);
  bool has_waiting(int count);
  /// The backend that holds `index`.
  int holder(int index = 0);

 private:
  session sql_;
  std::string name_;
};

}  // namespace cli_test
