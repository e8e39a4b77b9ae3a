// A connection of libpq that ends the program on any error: a benchmark that goes on after one
// measures something else.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <vector>

namespace bench {

[[noreturn]] void fail(const std::string& what);

class Session {
 public:
  Session();  // the server of libpq's environment
  ~Session() { PQfinish(connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The value of the last row's first column, "" for none and NULL.
  std::string run(const std::string& sql);
  void send(const std::string& sql);
  std::string answer();

  void prepare(const char* name, const std::string& sql, const std::vector<Oid>& types = {});
  std::string execute(const char* name, const std::vector<std::string>& values = {});
  // All columns of the one row there is.
  std::vector<std::string> execute_row(const char* name, const std::vector<std::string>& values);

  // The payload of the next notification.
  std::string wait_for_notification();
  // The same, or nothing within that time.
  bool wait_for_notification(int milliseconds, std::string* payload);

 private:
  PGresult* execute_prepared(const char* name, const std::vector<std::string>& values);
  PGconn* connection_;
};

}  // namespace bench
