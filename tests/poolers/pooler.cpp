#include "pooler.hpp"

#include <libpq-fe.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace poolers_test {
namespace {

constexpr char kPort[] = "6432";

std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value) {
    throw std::runtime_error(std::string(variable) +
                             " is not set: run this by tests/setup/with-server");
  }
  return value;
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

pooler::pooler(const pooler_setup& how)
    : how_(how),
      server_folder_(value_of("PGHOST")),
      folder_(value_of("NUMPOOL_TMP") + "/pooler.XXXXXX") {
  if (!mkdtemp(folder_.data())) throw std::runtime_error("cannot make a folder for PgBouncer");
  const char* program = std::getenv("NUMPOOL_PGBOUNCER");
  program_ = program ? program : "/usr/sbin/pgbouncer";
  configuration_ = folder_ + "/pgbouncer.ini";
  write_configuration(value_of("PGPORT"));
  start();
}

pooler::~pooler() {
  kill();
}

void pooler::start() {
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(97);
    execl(program_.c_str(), program_.c_str(), "-q", configuration_.c_str(), nullptr);
    _exit(98);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (PQping(conninfo().c_str()) != PQPING_OK) {
    const bool ended = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (ended) pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > end) {
      kill();
      throw std::runtime_error("no PgBouncer: " + content(folder_ + "/log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void pooler::stop() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);
}

void pooler::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void pooler::lead_to(int port) {
  write_configuration(std::to_string(port));
  ::kill(pid_, SIGHUP);
}

void pooler::write_configuration(const std::string& port) const {
  std::ofstream file(configuration_);
  file << "[databases]\n"
       << "* = host=" << server_folder_ << " port=" << port << " user=" << value_of("PGUSER")
       << "\n[pgbouncer]\n"
       << "unix_socket_dir = " << folder_ << "\nlisten_addr =\nlisten_port = " << kPort << '\n'
       << "logfile = " << folder_ << "/log\nauth_type = any\n"
       << "pool_mode = " << how_.mode << "\ndefault_pool_size = " << how_.size << '\n';
  for (const auto& [name, value] : how_.settings) file << name << " = " << value << '\n';
}

std::string pooler::conninfo() const {
  return "host=" + folder_ + " port=" + kPort;
}

std::vector<std::pair<std::string, std::string>> pooler::environment() const {
  return {{"PGHOST", folder_}, {"PGPORT", kPort}};
}

std::string pooler::socket() const {
  return folder_ + "/.s.PGSQL." + kPort;
}

}  // namespace poolers_test
