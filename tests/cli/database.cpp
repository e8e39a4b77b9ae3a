#include "database.hpp"

#include <doctest/doctest.h>

#include "program.hpp"

namespace cli_test {

session::session() : connection_(PQconnectdb(""), &PQfinish) {
  REQUIRE_MESSAGE(PQstatus(connection_.get()) == CONNECTION_OK, PQerrorMessage(connection_.get()));
  query("SET client_min_messages = warning");
  query("CREATE EXTENSION IF NOT EXISTS numpool");
}

std::string session::query(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const auto& p : parameters) values.push_back(p.c_str());
  std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                   values.data(), nullptr, nullptr, 0),
      &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  CAPTURE(sql);
  REQUIRE_MESSAGE((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK),
                  PQresultErrorMessage(result.get()));
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

test_pool::test_pool(int size) {
  static int count = 0;
  name_ = "pool " + std::to_string(++count);
  if (size > 0) sql_.query("SELECT numpool_create($1, $2)", {name_, std::to_string(size)});
}

test_pool::~test_pool() {
  sql_.query("SELECT numpool_drop($1, true, true)", {name_});
}

int test_pool::in_use() {
  return sql_.number("SELECT count(*) FROM numpool_leases WHERE pool = $1", {name_});
}

int test_pool::waiting() {
  return sql_.number("SELECT count(*) FROM numpool_waiters WHERE pool = $1", {name_});
}

bool test_pool::has_in_use(int count) {
  return eventually([&] { return in_use() == count; });
}

bool test_pool::has_waiting(int count) {
  return eventually([&] { return waiting() == count; });
}

int test_pool::holder(int index) {
  return sql_.number("SELECT pid FROM numpool_leases WHERE pool = $1 AND index = $2",
                     {name_, std::to_string(index)});
}

}  // namespace cli_test
