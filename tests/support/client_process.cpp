#include "support/client_process.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "support/test_error.h"

namespace numpool_test {

namespace {

constexpr char kRole[] = "client\n";  // and one statement a line

std::string role_of(const std::vector<std::string>& statements) {
  std::string role = kRole;
  for (const std::string& one : statements) role += one + "\n";
  return role;
}

}  // namespace

ClientProcess::ClientProcess(const std::vector<std::string>& statements)
    : program_(Program::in_role(role_of(statements))) {
  const bool connected = eventually([&] {
    const std::string said = program_.out();
    if (!said.empty() && said.back() == '\n') backend_pid_ = std::atoi(said.c_str());
    return backend_pid_ != 0 || !program_.running();
  });
  if (!connected || backend_pid_ == 0) throw TestError("the client process did not connect");
}

void play_client_role() {
  const char* role = std::getenv("NUMPOOL_TEST_ROLE");
  std::istringstream lines(role != nullptr ? role : "");
  std::string line;
  if (!std::getline(lines, line) || line + "\n" != kRole) return;
  PGconn* connection = PQconnectdb("");
  if (PQstatus(connection) != CONNECTION_OK) std::_Exit(1);
  std::printf("%d\n", PQbackendPID(connection));
  std::fflush(stdout);
  while (std::getline(lines, line)) PQclear(PQexec(connection, line.c_str()));
  for (;;) pause();
}

}  // namespace numpool_test
