// Nobody is behind the connection, though it is open; and what a server takes for idleness.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "wired.hpp"

using numpool::error_kind;
using clk = std::chrono::steady_clock;

namespace {

/// A wire, and clients that ask after 300 ms and give up two seconds later.
struct watched_wire : wired {
  numpool::client_options watchful() const {
    numpool::client_options out = options();
    out.heartbeat_interval = 300ms;
    out.heartbeat_limit = 2s;
    return out;
  }
};

/// The server's processes, the postmaster first.
std::vector<pid_t> server_processes() {
  std::ifstream file(std::string(std::getenv("PGDATA")) + "/postmaster.pid");
  pid_t postmaster = 0;
  file >> postmaster;
  REQUIRE(postmaster > 0);
  std::vector<pid_t> all{postmaster};
  const std::string text = std::to_string(postmaster);
  std::ifstream children("/proc/" + text + "/task/" + text + "/children");
  for (pid_t child = 0; children >> child;) all.push_back(child);
  return all;
}

/// A database of its own with the extension, and settings that administrators make.
class limited_database {
 public:
  explicit limited_database(const std::vector<std::string>& settings)
      : name_("limited" + std::to_string(::getpid()) + "_" + std::to_string(++last_)) {
    admin_.query("CREATE DATABASE " + name_);
    numpool::client(conninfo()).setup();
    for (const std::string& one : settings) admin_.query("ALTER DATABASE " + name_ + " SET " + one);
  }
  ~limited_database() {
    eventually([&] { return admin_.try_query("DROP DATABASE " + name_).empty(); });
  }
  std::string conninfo() const { return "dbname=" + name_; }
  const std::string& name() const { return name_; }

 private:
  static inline int last_ = 0;
  const std::string name_;
  session admin_;
};

}  // namespace

TEST_CASE_FIXTURE(watched_wire, "a relay that hangs, or has lost the server, is no connection") {
  for (const bool hangs : {true, false}) {
    CAPTURE(hangs);
    client.create_or_open(id, 1);
    numpool::client other(watchful());
    numpool::lease held = other.open(id).acquire();
    std::promise<void> told;
    held.on_lost([&] { told.set_value(); });
    std::this_thread::sleep_for(1500ms);  // heartbeats are answered meanwhile
    CHECK(held.held());
    hangs ? wire.go_silent() : wire.drop_server_ends();
    CHECK(comes(told.get_future()));
    CHECK(held.lost());
    // Where the server does not know of it, another number is to be had.
    client.open(id).resize(2);
    CHECK(other.open(id).acquire({10s}).held());
    client.drop(id, numpool::drop_mode::force);
  }
}

TEST_CASE_FIXTURE(watched_wire,
                  "a lost statement or answer ends the call, though the backend is there") {
  for (const bool statement : {true, false}) {
    CAPTURE(statement);
    numpool::pool watched = client.create_or_open(id, 2);
    numpool::client other(watchful());
    numpool::pool pool = other.open(id);
    numpool::lease held = pool.acquire();
    const std::string backend = std::to_string(other.backend_pid());
    statement ? wire.go_silent() : wire.swallow_answers();
    std::optional<error_kind> outcome;
    threads running;
    running.start([&] { outcome = kind_of([&] { (void)pool.try_acquire(); }); });
    std::this_thread::sleep_for(500ms);
    session watch;
    CHECK(watch.query("SELECT state FROM pg_stat_activity WHERE pid = " + backend) == "idle");
    CHECK_FALSE(held.lost());
    CHECK(eventually([&] { return held.lost(); }, 10s));
    // The way may keep the server's end, and then the server knows of nothing.
    watch.query("SELECT pg_terminate_backend(" + backend + ", 5000)");
    running.join();
    CHECK(outcome == error_kind::connection_lost);
    CHECK(eventually([&] { return pool.try_acquire().has_value(); }));
    client.drop(id, numpool::drop_mode::force);
  }
}

TEST_CASE_FIXTURE(watched_wire,
                  "who waits for a lock outlasts the limit, and a dead way does not") {
  client.create_or_open(id, 1);
  numpool::client other(watchful());
  numpool::pool pool = other.open(id);
  for (const std::string fault : {"none", "silence", "answers lost", "server's end lost"}) {
    CAPTURE(fault);
    session blocker;
    blocker.query("BEGIN");
    blocker.query("SELECT numpool_xact_lock('" + id + "')");
    bool entered = false;
    std::optional<error_kind> outcome;
    threads running;
    running.start([&] { outcome = kind_of([&] { pool.with_lock([&] { entered = true; }); }); });
    session watch;
    REQUIRE(eventually([&] {
      return watch.query(
                 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                 " AND query LIKE '%numpool_xact_lock%'") == "1";
    }));
    if (fault == "silence") wire.go_silent();
    if (fault == "answers lost") wire.swallow_answers();
    if (fault == "server's end lost") wire.drop_server_ends();
    const auto start = clk::now();
    if (fault == "none") {
      std::this_thread::sleep_for(6s);  // thrice the limit
      CHECK_FALSE(outcome);
    }
    // Then the statement ends, and nobody hears of it.
    blocker.query("COMMIT");
    running.join();
    CHECK(took_at_most(15s, start));
    CHECK(entered == (fault == "none"));
    // Where the way keeps the server's end, the server knows of nothing.
    watch.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE state = 'idle in transaction' AND query LIKE '%numpool_xact_lock%'");
    if (fault == "none") {
      CHECK_FALSE(outcome);
    } else {
      CHECK(outcome == error_kind::connection_lost);
    }
  }
}

TEST_CASE_FIXTURE(watched_wire, "without heartbeats nobody asks") {
  client.create_or_open(id, 1);
  numpool::client_options options = watchful();
  options.heartbeat_interval = 0ms;
  numpool::client other(options);
  numpool::lease held = other.open(id).acquire();
  wire.go_silent();
  std::this_thread::sleep_for(3500ms);
  CHECK(held.held());
}

TEST_CASE_FIXTURE(watched_wire, "a statement that takes its time is no silence, but a relay's is") {
  client.create_or_open(id, 2);
  session blocker;
  const auto block = [&] {
    blocker.query("BEGIN");
    blocker.query("SELECT numpool_set_metadata('" + id + "', '1')");
  };
  block();
  numpool::client other(watchful());
  numpool::lease held = other.open(id).acquire();
  std::optional<error_kind> outcome;
  const auto change = [&](threads& running) {
    running.start([&] { outcome = kind_of([&] { other.open(id).set_metadata("2"); }); });
  };
  {
    threads running;
    change(running);
    std::this_thread::sleep_for(5s);  // longer than interval and limit together
    CHECK(held.held());
    blocker.query("COMMIT");
  }
  CHECK_FALSE(outcome);
  CHECK(held.held());

  block();
  {
    threads running;
    change(running);
    session watch;
    REQUIRE(eventually([&] {
      return watch.query("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = " +
                         std::to_string(other.backend_pid())) == "t";
    }));
    wire.drop_server_ends();
    // The backend sleeps on the lock, and holds the number until it wakes up.
    std::this_thread::sleep_for(3s);
    CHECK(held.held());
    blocker.query("ROLLBACK");
    CHECK(eventually([&] { return held.lost(); }, 10s));
  }
  CHECK(outcome == error_kind::connection_lost);
}

TEST_CASE_FIXTURE(watched_wire, "a server all of whose processes are stopped is lost, then found") {
  client.create_or_open(id, 1);
  numpool::client other(watchful());
  numpool::lease held = other.open(id).acquire();
  const auto all = server_processes();
  for (const pid_t one : all) ::kill(one, SIGSTOP);
  const bool lost = eventually([&] { return held.lost(); }, 10s);
  for (const pid_t one : all) ::kill(one, SIGCONT);
  CHECK(lost);
  CHECK(other.open(id).acquire({20s}).held());
}

TEST_CASE_FIXTURE(wired, "the server's last words end the leases, whenever the connection goes") {
  numpool::pool pool = client.create_or_open(id, 1);
  wire.keep_clients();
  numpool::client_options options = this->options();
  options.heartbeat_interval = 0ms;  // what is heard is to be enough
  numpool::client other(options);
  numpool::lease held = other.open(id).acquire();
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(other.backend_pid()) + ")");
  CHECK(eventually([&] { return held.lost(); }, 10s));
  CHECK(pool.acquire({10s}).held());
}

// ThreadSanitizer cannot follow threads that a forked copy starts, and ends it.
#ifndef __SANITIZE_THREAD__

TEST_CASE("a stopped client that goes on hears first what came meanwhile") {
  // A stop of the whole process looks to its threads as a jump of the clock does: a heartbeat that
  // is due late, or an answer that is read late. Both are taken in good faith.
  fixture base;
  base.client.create_or_open(base.id, 1);
  numpool::client_options options;
  options.heartbeat_interval = 50ms;
  options.heartbeat_limit = 1s;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(30);
    bool good = false;
    kind_of([&] {
      numpool::client own(options);
      numpool::lease held = own.open(base.id).acquire();
      const auto until = clk::now() + 5s;
      while (clk::now() < until && held.held()) std::this_thread::sleep_for(5ms);
      good = held.held();
    });
    ::_exit(good ? 0 : 1);
  }
  REQUIRE(eventually([&] { return base.client.open(base.id).status().in_use == 1; }));
  for (int round = 0; round < 2; ++round) {
    ::kill(child, SIGSTOP);
    std::this_thread::sleep_for(1500ms);
    ::kill(child, SIGCONT);
    std::this_thread::sleep_for(200ms);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

#endif

TEST_CASE("an administrator's time limits end neither leases nor locks nor waits") {
  limited_database limited({"idle_session_timeout = '300ms'",
                            "idle_in_transaction_session_timeout = '300ms'",
                            "statement_timeout = '400ms'", "lock_timeout = '300ms'"});
  numpool::client first(limited.conninfo()), second(limited.conninfo());
  numpool::pool pool = first.create_or_open("p", 1);
  numpool::lease held = pool.acquire();
  std::atomic<int> inside{0}, clashes{0};
  const auto body = [&] {
    if (inside.fetch_add(1) != 0) ++clashes;
    std::this_thread::sleep_for(800ms);
    inside.fetch_sub(1);
  };
  threads running;
  running.start([&] { pool.with_lock(body); });
  running.start([&] { second.open("p").with_lock(body); });
  running.join();
  CHECK(clashes == 0);
  CHECK(held.held());
  CHECK(first.connected());
}

TEST_CASE("a lock that is lost while its function runs is said to be lost") {
  fixture base;
  numpool::pool pool = base.client.create_or_open(base.id, 1);
  session killer;
  const auto body = [&] {
    killer.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE state = 'idle in transaction' AND query LIKE '%numpool_xact_lock%'");
  };
  CHECK(kind_of([&] { pool.with_lock(body); }) == error_kind::connection_lost);
}

TEST_CASE_FIXTURE(wired, "after a loss the next host is tried first") {
  client.create_or_open(id, 1);
  proxy first(address(), std::atoi(std::getenv("PGPORT")));
  numpool::client_options options = this->options();
  options.conninfo = "host=127.0.0.1,127.0.0.1 sslmode=disable gssencmode=disable port=" +
                     std::to_string(first.port()) + ',' + std::to_string(wire.port());
  numpool::client other(options);
  numpool::lease held = other.open(id).acquire();
  first.be_mute();  // the lost host comes back, and says nothing
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(other.backend_pid()) + ", 5000)");
  REQUIRE(eventually([&] { return held.lost(); }));
  const auto start = clk::now();
  CHECK(other.open(id).acquire({10s}).held());
  CHECK(took_at_most(5s, start));  // its own time would be 15 s
}

TEST_CASE_FIXTURE(wired, "connect_timeout of the connection string is honoured") {
  wire.be_mute();
  const auto start = clk::now();
  CHECK(kind_of([&] { numpool::client none(wire.conninfo() + " connect_timeout=2"); }) ==
        error_kind::cannot_connect);
  CHECK(clk::now() - start >= 1900ms);
  CHECK(took_at_most(8s, start));
}

TEST_CASE("a server without the library is waited for like one that is not there") {
  limited_database database({});
  ::setenv("PGDATABASE", database.name().c_str(), 1);
  session inside;
  ::setenv("PGDATABASE", "postgres", 1);
  const auto point_to = [&](const std::string& library) {
    inside.query("UPDATE pg_proc SET probin = '" + library + "' WHERE proname LIKE 'numpool%'");
  };
  const std::string library =
      inside.query("SELECT DISTINCT probin FROM pg_proc WHERE proname = 'numpool_channel'").value();
  numpool::client_options options;
  options.conninfo = database.conninfo();
  options.reconnect_limit = 500ms;
  numpool::client other(options);
  numpool::pool pool = other.create_or_open("p", 1);
  numpool::lease held = pool.acquire();

  point_to("$libdir/missing");
  const auto start = clk::now();
  inside.query("SELECT pg_terminate_backend(" + std::to_string(other.backend_pid()) + ", 5000)");
  std::string why;
  try {
    (void)pool.acquire();
  } catch (const numpool::error& one) {
    why = one.what();
    CHECK(one.kind() == error_kind::cannot_connect);
    CHECK(one.sqlstate() == "58P01");
    CHECK(one.retryable());
  }
  CHECK(clk::now() - start >= 400ms);
  CHECK(why.find("missing") != std::string::npos);

  options.reconnect_limit = 60s;
  point_to(library);
  numpool::client patient(options);
  numpool::pool there = patient.open("p");
  point_to("$libdir/missing");
  inside.query("SELECT pg_terminate_backend(" + std::to_string(patient.backend_pid()) + ", 5000)");
  auto waiting = there.acquire_future();
  CHECK(waiting.wait_for(300ms) == std::future_status::timeout);
  point_to(library);
  CHECK(waiting.get().held());
}

TEST_CASE("a refusal has the server's SQLSTATE, and tells whether to try again") {
  const auto refusal = [](const std::string& conninfo) {
    try {
      numpool::client none(conninfo);
    } catch (const numpool::error& why) {
      CHECK(why.kind() == error_kind::cannot_connect);
      CHECK(std::string(why.what()).find("LOCATION") == std::string::npos);
      return why;
    }
    return numpool::error(error_kind::server, "connected");
  };
  CHECK(refusal("dbname=no_such_database").sqlstate() == "3D000");
  CHECK_FALSE(refusal("dbname=no_such_database").retryable());
  CHECK(std::string(refusal("dbname=no_such_database").what()).find("3D000") == std::string::npos);
  CHECK(refusal("user=nobody_at_all").sqlstate() == "28000");
  CHECK(refusal("host=/nonexistent").sqlstate() == "08001");
  CHECK(refusal("host=/nonexistent").retryable());
  session admin;
  const std::string name = "full" + std::to_string(::getpid());
  admin.query("CREATE ROLE " + name + " LOGIN CONNECTION LIMIT 0");
  CHECK(refusal("user=" + name).sqlstate() == "53300");
  CHECK(refusal("user=" + name).retryable());
  admin.query("DROP ROLE " + name);
}
