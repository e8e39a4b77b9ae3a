// run --ttl: the number is a token's, so the command outlives a connection and a restart, and is
// ended only when the lease is over.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <sstream>

#include "support/pool.h"
#include "outage.h"
#include "program.h"

using namespace numpool_test;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Words timed(const Pool& pool, const std::string& script, const Words& options) {
  Words out{"run", pool.name()};
  out.insert(out.end(), options.begin(), options.end());
  out.insert(out.end(), {"--", "sh", "-c", script});
  return out;
}

// Of `run`, in a session, or where that is shared.
Words with_ttl(const char* ttl, bool shares) {
  Words out{"--ttl", ttl};
  if (shares) out.emplace_back("--transaction-pooling");
  return out;
}

// Says that it has begun, what it was told, and waits for the end.
constexpr char kWaits[] =
    "trap 'echo got TERM; exit 9' TERM; echo $NUMPOOL_INDEX $NUMPOOL_FENCE $NUMPOOL_TOKEN;"
    " while :; do sleep 0.02; done";

struct Told {
  std::string index;
  std::string fence;
  std::string token;
};

Told told(const Program& p) {
  REQUIRE(eventually([&] { return lines(p.out()) >= 1; }, kSoon));
  Told out;
  std::istringstream(p.out()) >> out.index >> out.fence >> out.token;
  return out;
}

// Of the one lease of a pool.
std::string shown(const Pool& pool, const std::string& what) {
  return observer().text("SELECT " + what + " FROM numpool_leases WHERE pool = $1", {pool.name()});
}

int terminate_all() {
  return std::stoi(
      observer().text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                      " WHERE application_name = 'numpool run'"));
}

void ends_by(Program& p, int number) {
  p.signal(number);
  CHECK(p.wait() == 128 + number);
}

void lost(Program& p, const std::string& why) {
  CHECK(p.wait() == 74);
  // The shell has its own to say about a child that was terminated.
  CHECK(p.err().find("numpool: the lease was lost (" + why + "); ending the command\n") == 0);
  CHECK(p.err().rfind("numpool: ") == 0);
}

constexpr char kNotRenewed[] = "it could not be renewed in time";
constexpr char kServerSays[] = "the server says that it is over";

}  // namespace

TEST_CASE("run --ttl: the number is the token's, and the command knows it") {
  Pool pool(1);
  Numpool running(timed(pool, kWaits, {"--ttl", "1h", "--holder", "jane"}));
  const Told got = told(running);
  CHECK(got.index == "0");
  CHECK(got.token.size() == 36);
  CHECK(shown(pool, "scope || ' ' || holder || ' ' || fence") == "timed jane " + got.fence);
  CHECK(shown(pool, "token") == got.token);
  CHECK(run({"renew", got.token}).out == got.fence + "\n");
  running.signal(SIGTERM);
  CHECK(running.wait() == 9);
  CHECK(pool.in_use() == 0);
}

TEST_CASE("run --ttl: given back at the end, with the command's status") {
  for (const bool shares : {false, true}) {
    CAPTURE(shares);
    Pool pool(1);
    const Words options = with_ttl("1h", shares);
    CHECK(run(timed(pool, "exit 3", options)).status == 3);
    CHECK(pool.in_use() == 0);
    Numpool running(timed(pool, "echo ready; exec sleep 60", options));
    REQUIRE(running.says("ready"));
    ends_by(running, SIGTERM);
    CHECK(pool.in_use() == 0);
    const Result missing = run({"run", pool.name(), "--ttl", "1h", "--", "no-such-command"});
    CHECK(missing.status == 127);
    CHECK(lines(missing.err) == 1);
    CHECK(pool.in_use() == 0);
  }
  Pool fresh(0);
  CHECK(run(timed(fresh, "true", {"--ttl", "1h", "--create", "2"})).status == 0);
}

TEST_CASE("run: without --ttl there is no token, also inside of one that has it") {
  Pool pool(2);
  const Result r =
      run({"run", pool.name(), "--ttl", "1h", "--", "build/numpool", "run", pool.name(), "--", "sh",
           "-c", "echo \"$NUMPOOL_INDEX<${NUMPOOL_TOKEN-none}>\""});
  CHECK(r.out == "1<none>\n");
  CHECK(r.status == 0);
}

TEST_CASE("run --ttl: it is renewed, and the connection may go") {
  Pool pool(1);
  Numpool running(timed(pool, kWaits, {"--ttl", "900ms"}));
  const Told got = told(running);
  for (int i = 0; i < 3; ++i) {
    CHECK(eventually([] { return terminate_all() == 1; }, kSoon));
    nap(milliseconds(700));
  }
  CHECK(running.running());
  CHECK(shown(pool, "fence") == got.fence);
  running.signal(SIGTERM);
  CHECK(running.wait() == 9);
}

TEST_CASE("run --ttl: the server restarts, and the command goes on") {
  Pool pool(1);
  Numpool running(timed(pool, "echo ready; sleep 4; exit 5", {"--ttl", "20s"}));
  REQUIRE(running.says("ready"));
  {
    outage restart;
    nap(milliseconds(1000));
  }
  CHECK(pool.in_use() == 1);
  CHECK(running.wait() == 5);
  CHECK(running.err().empty());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("run --ttl: no server for as long as it lasts: the command ends then, and not before") {
  Pool pool(1);
  Numpool running(timed(pool, kWaits, {"--ttl", "2s"}));
  told(running);
  const auto start = std::chrono::steady_clock::now();
  outage down;
  lost(running, kNotRenewed);
  CHECK(std::chrono::steady_clock::now() - start > milliseconds(800));
  CHECK(running.out().find("got TERM\n") != std::string::npos);
}

TEST_CASE("run --ttl: ended by hand, or with its pool: 74 at the next renewal") {
  for (const bool dropped : {false, true}) {
    CAPTURE(dropped);
    Pool pool(1);
    Numpool running(timed(pool, kWaits, {"--ttl", "1s"}));
    const Told got = told(running);
    if (dropped) {
      observer().text("SELECT numpool_drop($1, true)", {pool.name()});
    } else {
      CHECK(run({"release", got.token}).status == 0);
    }
    lost(running, kServerSays);
    CHECK(running.out().find("got TERM\n") != std::string::npos);
  }
}

TEST_CASE("run --ttl: waiting in line, and giving up") {
  for (const bool shares : {false, true}) {
    CAPTURE(shares);
    Pool pool(1);
    const Words options = with_ttl("3s", shares);
    Numpool first(timed(pool, kWaits, {"--ttl", "1h"}));
    told(first);

    Words limited = options;
    limited.insert(limited.end(), {"--timeout", "300ms"});
    const Result late = run(timed(pool, "echo not me", limited));
    CHECK(late.status == 75);
    CHECK(late.out.empty());
    CHECK(late.err == "numpool: timed out waiting for a number of pool \"" + pool.name() + "\"\n");
    CHECK(pool.waiting() == 0);

    Numpool leaving(timed(pool, "echo not me", options));
    REQUIRE(pool.waiters_become(1, kSoon));
    ends_by(leaving, SIGTERM);
    CHECK(pool.waiting() == 0);

    Numpool next(timed(pool, "echo at last", options));
    REQUIRE(pool.waiters_become(1, kSoon));
    terminate_all();
    nap(milliseconds(300));
    CHECK(next.running());
    first.signal(SIGTERM);
    CHECK(first.wait() == 9);  // the command's own
    CHECK(next.wait() == 0);
    CHECK(next.out() == "at last\n");
    CHECK(pool.in_use() == 0);
  }
}

TEST_CASE("run --ttl is killed: its command is ended, and the number is free after the ttl") {
  Pool pool(1);
  Numpool running(timed(pool, "echo $$; exec sleep 60", {"--ttl", "1s"}));
  REQUIRE(eventually([&] { return lines(running.out()) == 1; }, kSoon));
  const pid_t command = std::stoi(running.out());
  running.kill();
  CHECK(eventually([&] { return !alive(command); }, kSoon));
  CHECK(pool.in_use_becomes(0, kSoon));
}

TEST_CASE("run --ttl: wrong arguments: 64; refused: 1") {
  Pool pool(1);
  const auto status = [&](const Words& options) {
    const Result r = run(timed(pool, "echo not me", options));
    CHECK(r.out.empty());
    CHECK(lines(r.err) == 1);
    return r.status;
  };
  CHECK(status({"--holder", "me"}) == 64);
  CHECK(status({"--transaction-pooling"}) == 64);
  CHECK(status({"--ttl", "soon"}) == 64);
  CHECK(status({"--ttl"}) == 64);
  CHECK(status({"--ttl", "1m", "--token", "6f0c2d5e-0b1a-4c3d-9e8f-001122334455"}) == 64);
  CHECK(status({"--ttl", "1ms"}) == 1);
  CHECK(status({"--ttl", "1m", "--holder", std::string(65, 'x')}) == 1);
  CHECK(pool.in_use() == 0);
}
