#include "client.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace poolers_test {
namespace {

using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

bool good(const result& from) {
  const ExecStatusType status = PQresultStatus(from.get());
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

std::string first_value(const result& from) {
  REQUIRE_MESSAGE(good(from), PQresultErrorMessage(from.get()));
  return PQntuples(from.get()) > 0 ? PQgetvalue(from.get(), 0, 0) : "";
}

}  // namespace

client::client(const std::string& conninfo)
    : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
  REQUIRE_MESSAGE(PQstatus(connection_.get()) == CONNECTION_OK, PQerrorMessage(connection_.get()));
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
}

std::string client::query(const std::string& sql) {
  CAPTURE(sql);
  return first_value(result(PQexec(connection_.get(), sql.c_str()), &PQclear));
}

std::string client::refused(const std::string& sql) {
  CAPTURE(sql);
  const result got(PQexec(connection_.get(), sql.c_str()), &PQclear);
  REQUIRE(!good(got));
  return PQresultErrorMessage(got.get());
}

void client::send(const std::string& sql) {
  REQUIRE(PQsendQuery(connection_.get(), sql.c_str()));
}

std::string client::answer() {
  std::string first;
  while (PGresult* part = PQgetResult(connection_.get())) {
    first = first_value(result(part, &PQclear));
  }
  return first;
}

std::optional<notification> client::notified(std::chrono::milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    PQconsumeInput(connection_.get());
    if (PGnotify* one = PQnotifies(connection_.get())) {
      notification out{one->relname, one->extra, one->be_pid};
      PQfreemem(one);
      return out;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || PQstatus(connection_.get()) != CONNECTION_OK) return std::nullopt;
    pollfd fd{PQsocket(connection_.get()), POLLIN, 0};
    poll(&fd, 1, static_cast<int>(left.count()) + 1);
  }
}

doomed_client::doomed_client(const pooler& through, const std::vector<std::string>& statements)
    : pid_(fork()) {
  REQUIRE(pid_ >= 0);
  if (pid_ > 0) return;
  // The tests have one thread, so the child may call anything; it returns to no test.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  PGconn* connection = PQconnectdb(through.conninfo().c_str());
  for (const auto& sql : statements) PQclear(PQexec(connection, sql.c_str()));
  for (;;) pause();
}

void doomed_client::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void shows(const std::string& row, const std::string& mode, const std::string& verdict) {
  std::printf("cell|%s|%s|%s\n", row.c_str(), mode.c_str(), verdict.c_str());
  std::fflush(stdout);
}

}  // namespace poolers_test
