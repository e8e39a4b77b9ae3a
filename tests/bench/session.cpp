#include "session.h"

#include <poll.h>

#include <cstdio>
#include <cstdlib>

namespace bench {

namespace {

std::string first_value(const PGresult* result) {
  return PQntuples(result) > 0 ? PQgetvalue(result, PQntuples(result) - 1, 0) : "";
}

void check(PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(PQresultErrorMessage(result));
}

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::_Exit(1);
}

Session::Session() : connection_(PQconnectdb("")) {
  if (PQstatus(connection_) != CONNECTION_OK) fail(PQerrorMessage(connection_));
}

void Session::send(const std::string& sql) {
  if (PQsendQuery(connection_, sql.c_str()) == 0) fail(PQerrorMessage(connection_));
}

std::string Session::answer() {
  std::string value;
  while (PGresult* result = PQgetResult(connection_)) {
    check(result);
    value = first_value(result);
    PQclear(result);
  }
  return value;
}

std::string Session::run(const std::string& sql) {
  send(sql);
  return answer();
}

void Session::prepare(const char* name, const std::string& sql, const std::vector<Oid>& types) {
  PGresult* result =
      PQprepare(connection_, name, sql.c_str(), static_cast<int>(types.size()), types.data());
  check(result);
  PQclear(result);
}

PGresult* Session::execute_prepared(const char* name, const std::vector<std::string>& values) {
  const char* texts[4] = {};
  for (std::size_t i = 0; i < values.size(); ++i) texts[i] = values[i].c_str();
  PGresult* result = PQexecPrepared(connection_, name, static_cast<int>(values.size()), texts,
                                    nullptr, nullptr, 0);
  check(result);
  return result;
}

std::string Session::execute(const char* name, const std::vector<std::string>& values) {
  PGresult* result = execute_prepared(name, values);
  std::string value = first_value(result);
  PQclear(result);
  return value;
}

std::vector<std::string> Session::execute_row(const char* name,
                                              const std::vector<std::string>& values) {
  PGresult* result = execute_prepared(name, values);
  if (PQntuples(result) != 1) fail(std::string(name) + ": not one row");
  std::vector<std::string> row;
  for (int column = 0; column < PQnfields(result); ++column)
    row.emplace_back(PQgetvalue(result, 0, column));
  PQclear(result);
  return row;
}

bool Session::wait_for_notification(int milliseconds, std::string* payload) {
  for (;;) {
    if (PGnotify* notification = PQnotifies(connection_)) {
      *payload = notification->extra;
      PQfreemem(notification);
      return true;
    }
    pollfd descriptor{PQsocket(connection_), POLLIN, 0};
    if (poll(&descriptor, 1, milliseconds) <= 0) return false;
    if (PQconsumeInput(connection_) == 0) fail(PQerrorMessage(connection_));
  }
}

std::string Session::wait_for_notification() {
  std::string payload;
  if (!wait_for_notification(10'000, &payload)) fail("no notification within 10 s");
  return payload;
}

}  // namespace bench
