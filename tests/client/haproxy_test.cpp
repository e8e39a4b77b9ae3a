// HAProxy on the way, with an idle limit of five seconds.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "wired.hpp"

extern char** environ;

namespace {

constexpr char kHaproxy[] = "/usr/sbin/haproxy";

/// An HAProxy that forwards `socket` to the server and closes what says nothing for 5 s.
class haproxy {
 public:
  haproxy(const std::string& target, const std::string& port)
      : folder_(std::string(std::getenv("NUMPOOL_TMP")) + "/haproxy" + std::to_string(::getpid())) {
    ::system(("mkdir -p " + folder_).c_str());
    std::ofstream(folder_ + "/conf")
        << "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n"
        << "frontend f\n  bind unix@" << socket() << "\n  default_backend b\n"
        << "backend b\n  server s " << target << ':' << port << '\n';
    const std::string conf = folder_ + "/conf";
    const char* words[] = {kHaproxy, "-db", "-q", "-f", conf.c_str(), nullptr};
    REQUIRE(posix_spawn(&pid_, kHaproxy, nullptr, nullptr, const_cast<char**>(words), environ) ==
            0);
    REQUIRE(eventually([&] { return ::access(socket().c_str(), F_OK) == 0; }));
  }
  ~haproxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  /// As libpq looks for it in folder().
  std::string socket() const { return folder_ + "/.s.PGSQL.5432"; }
  const std::string& folder() const { return folder_; }

 private:
  const std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE_FIXTURE(wired, "a proxy's idle limit of five seconds does not end a lease") {
  client.create_or_open(id, 1);
  const haproxy between(address(), std::getenv("PGPORT"));
  const std::string way = "host=" + between.folder() + " port=5432";
  numpool::client other(way);
  numpool::lease held = other.open(id).acquire();
  numpool::client_options silent;
  silent.conninfo = way;
  silent.heartbeat_interval = std::chrono::milliseconds(0);
  numpool::client idle(silent);
  const int first = idle.backend_pid();
  std::this_thread::sleep_for(7s);
  CHECK(held.held());
  // And the limit is there: who says nothing is cut off.
  CHECK(idle.backend_pid() != first);
}
