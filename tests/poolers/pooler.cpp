#include "pooler.hpp"

#include <doctest/doctest.h>
#include <libpq-fe.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "program.hpp"

namespace poolers_test {
namespace {

constexpr char kPort[] = "6432";

std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  REQUIRE_MESSAGE(value, variable << " is not set: run this by tests/setup/with-server");
  return value;
}

}  // namespace

pooler::pooler(const pooler_setup& how) {
  folder_ = value_of("NUMPOOL_TMP") + "/pooler.XXXXXX";
  REQUIRE(mkdtemp(folder_.data()));
  write_configuration(how);
  const char* program = std::getenv("NUMPOOL_PGBOUNCER");
  if (!program) program = "/usr/sbin/pgbouncer";
  const pid_t parent = getpid();
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(97);
    execl(program, program, "-q", (folder_ + "/pgbouncer.ini").c_str(), nullptr);
    _exit(98);
  }
  const bool up = cli_test::eventually([&] { return answers(); });
  CAPTURE(cli_test::content(folder_ + "/log"));
  REQUIRE_MESSAGE(up, "no PgBouncer");
}

pooler::~pooler() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void pooler::write_configuration(const pooler_setup& how) const {
  std::ofstream file(folder_ + "/pgbouncer.ini");
  file << "[databases]\n"
       << "* = host=" << value_of("PGHOST") << " port=" << value_of("PGPORT")
       << " user=" << value_of("PGUSER") << "\n[pgbouncer]\n"
       << "unix_socket_dir = " << folder_ << "\nlisten_addr =\nlisten_port = " << kPort << '\n'
       << "logfile = " << folder_ << "/log\nauth_type = any\n"
       << "pool_mode = " << how.mode << "\ndefault_pool_size = " << how.size << '\n';
  for (const auto& [name, value] : how.settings) file << name << " = " << value << '\n';
}

bool pooler::answers() const {
  return PQping(conninfo().c_str()) == PQPING_OK;
}

std::string pooler::conninfo() const {
  return "host=" + folder_ + " port=" + kPort;
}

std::vector<std::pair<std::string, std::string>> pooler::environment() const {
  return {{"PGHOST", folder_}, {"PGPORT", kPort}};
}

}  // namespace poolers_test
