// The command behind PgBouncer: in session mode as on a direct connection, else what needs a
// session is refused before it takes or frees anything there, and what needs none works.
#include <doctest/doctest.h>

#include <csignal>

#include "client.hpp"
#include "outage.h"
#include "program.h"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;

namespace {

ProgramSetup through(const pooler& bouncer) {
  return {bouncer.environment(), "", -1};
}

}  // namespace

TEST_CASE("session pooling: two runs, one after the other") {
  Pool pool(1);
  pooler bouncer({"session", 5, {}});
  Numpool first({"run", pool.name(), "--", "sh", "-c", "echo first; sleep 0.5"}, through(bouncer));
  REQUIRE(pool.in_use_becomes(1));
  Numpool second({"run", pool.name(), "--", "echo", "second"}, through(bouncer));
  REQUIRE(pool.waiters_become(1));
  CHECK(first.wait() == 0);
  CHECK(second.wait() == 0);
  CHECK(second.out() == "second\n");
  CHECK(pool.idle_within());
}

TEST_CASE("session pooling: a forced drop, a terminated session, and a pooler that is killed") {
  Pool pool(1);
  pooler bouncer({"session", 5, {}});
  Numpool holder({"run", pool.name(), "--", "sh", "-c", "echo ready; exec sleep 60"},
                 through(bouncer));
  // NB: the server knows of a grant before the command does. What ends the connection in between
  // ends no lease that anybody has, and the command goes on waiting.
  REQUIRE(holder.says("ready"));
  SUBCASE("a forced drop") {
    observer().must("SELECT numpool_drop(" + pool.q() + ", true)");
  }
  SUBCASE("a terminated session") {
    observer().must("SELECT pg_terminate_backend(" + std::to_string(pool.holder()) + ")");
  }
  SUBCASE("a pooler that is killed") {
    bouncer.kill();
  }
  CHECK(holder.wait() == 74);
  CHECK(holder.err().find("numpool: the lease was lost (") == 0);
}

TEST_CASE("session pooling: a grant that dies on its way is not seen, and the wait goes on") {
  Pool pool(1);
  pooler bouncer({"session", 5, {}});
  Session before;
  before.must("SELECT numpool_acquire(" + pool.q() + ")");
  Numpool waiting({"run", pool.name(), "--", "sh", "-c", "echo $NUMPOOL_FENCE; exec sleep 60"},
                  through(bouncer));
  REQUIRE(pool.waiters_become(1));
  bouncer.stop();
  before.must("SELECT numpool_release_all()");
  const auto fence = observer().number("SELECT fence FROM numpool_leases WHERE pool = " + pool.q());
  REQUIRE(fence.has_value());
  SUBCASE("its session is terminated") {
    observer().must("SELECT pg_terminate_backend(" + std::to_string(pool.holder()) + ")");
    REQUIRE(pool.in_use_becomes(0));
  }
  bouncer.kill();
  CHECK(pool.in_use_becomes(0));
  CHECK(waiting.out().empty());
  bouncer.start();
  REQUIRE(eventually([&] { return lines(waiting.out()) == 1; }));
  CHECK(std::stoll(waiting.out()) > *fence);
  CHECK(waiting.err().empty());
}

TEST_CASE("session pooling: every other subcommand") {
  Pool pool(2);
  pooler bouncer({"session", 2, {}});
  for (const Words& words : std::vector<Words>{{"setup"},
                                               {"list"},
                                               {"status"},
                                               {"status", pool.name(), "--json"},
                                               {"resize", pool.name(), "3"},
                                               {"wait", pool.name()},
                                               {"metadata", "set", pool.name(), "1"},
                                               {"metadata", "get", pool.name()},
                                               {"drop", pool.name()}}) {
    const Result result = run(words, through(bouncer));
    CAPTURE(words.front());
    CHECK_MESSAGE(result.status == 0, result.err);
  }
  shows("the C++ client, numpool run", "session", "works");
}

TEST_CASE("every mode: run --ttl, lease, renew, release, and what looks and changes") {
  for (const char* mode : {"session", "transaction", "statement"}) {
    CAPTURE(mode);
    Pool pool(1);
    pooler bouncer({mode, 5, {}});
    const ProgramSetup there = through(bouncer);
    const auto done = [&](const Words& words) {
      const Result result = run(words, there);
      CAPTURE(words.front());
      CHECK_MESSAGE(result.status == 0, result.err);
      return result.out;
    };
    Numpool first({"run", pool.name(), "--ttl", "2s", "--", "sh", "-c", "echo first; sleep 3"},
                  there);
    REQUIRE(first.says("first"));
    Numpool second({"run", pool.name(), "--ttl", "2s", "--", "echo", "second"}, there);
    REQUIRE(pool.waiters_become(1));
    CHECK(run({"lease", pool.name(), "--ttl", "1h", "--timeout", "0"}, there).status == 75);
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    CHECK(second.out() == "second\n");
    CHECK(pool.idle_within());

    const std::string leased = done({"lease", pool.name(), "--ttl", "1h"});
    const std::string token = leased.substr(0, leased.find(' '));
    const std::string own = "6f0c2d5e-0b1a-4c3d-9e8f-001122334466";
    const Words waits{"lease", pool.name(), "--ttl", "1h", "--token", own, "--timeout", "200ms"};
    const Result late = run(waits, there);
    CHECK(late.status == 75);
    CHECK(late.err.find("keeps its place for another 2") != std::string::npos);
    CHECK(done({"renew", own}) == "waiting\n");
    CHECK(leased == token + " 0 " + done({"renew", token}));
    done({"release", token});
    CHECK(done(waits).find(own + " 0 ") == 0);
    CHECK(done(waits).find(own + " 0 ") == 0);
    CHECK(pool.in_use() == 1);
    done({"release", own});
    CHECK(run({"release", own}, there).status == 74);

    for (const Words& words : std::vector<Words>{{"setup"},
                                                 {"list"},
                                                 {"status"},
                                                 {"status", pool.name(), "--json"},
                                                 {"resize", pool.name(), "3"},
                                                 {"metadata", "set", pool.name(), "1"},
                                                 {"metadata", "get", pool.name()},
                                                 {"create", pool.name(), "3", "--if-not-exists"},
                                                 {"drop", pool.name()}})
      done(words);
    shows("numpool run --ttl, lease, renew, release", mode, "works");
    shows("numpool setup, create, list, status, ...", mode, "works");
  }
}

TEST_CASE("transaction pooling: who ends while it waits leaves no place behind") {
  Pool pool(1);
  pooler bouncer({"transaction", 2, {}});
  const Words options{"--ttl", "1h", "--transaction-pooling"};
  Words leased{"lease", pool.name()};
  leased.insert(leased.end(), options.begin(), options.end());
  Words ran = leased;
  ran.front() = "run";
  ran.insert(ran.end(), {"--", "echo", "not me"});
  const Result holder = run(leased, through(bouncer));
  REQUIRE(holder.status == 0);
  for (const Words& words : {leased, ran}) {
    Numpool waiting(words, through(bouncer));
    REQUIRE(pool.waiters_become(1));
    waiting.signal(SIGTERM);
    CHECK(waiting.wait() == 128 + SIGTERM);
    CHECK(waiting.out().empty());
    CHECK(pool.waiting() == 0);
  }
  CHECK(run({"release", holder.out.substr(0, holder.out.find(' '))}, through(bouncer)).status == 0);
}

TEST_CASE("transaction pooling: run --ttl outlives the pooler's restart and the server's") {
  Pool pool(1);
  pooler bouncer({"transaction", 2, {{"server_login_retry", "1"}}});
  Numpool running({"run", pool.name(), "--ttl", "6s", "--", "sh", "-c", "echo go; sleep 8; exit 5"},
                  through(bouncer));
  REQUIRE(running.says("go"));
  bouncer.kill();
  nap(500ms);
  bouncer.start();
  nap(3000ms);
  { outage restart; }
  CHECK(running.wait() == 5);
  CHECK(running.err().empty());
  CHECK(pool.in_use() == 0);
}

TEST_CASE("transaction and statement pooling: refused, and a stranger's lease is as it was") {
  for (const char* mode : {"transaction", "statement"}) {
    CAPTURE(mode);
    Pool pool(2);
    pooler bouncer({mode, 1, {}});
    client stranger(bouncer);
    CHECK(stranger.query("SELECT numpool_acquire(" + pool.q() + ")") == "0");
    const auto fence = observer().text("SELECT fence FROM numpool_leases WHERE pool = " + pool.q());
    for (int round = 0; round < 2; ++round) {
      const Result result = run({"run", pool.name(), "--", "echo", "not me"}, through(bouncer));
      CHECK(result.status == 1);
      CHECK(result.out.empty());
      CHECK(lines(result.err) == 1);
      CHECK(result.err.find("pooler") != std::string::npos);
    }
    CHECK(pool.in_use() == 1);
    CHECK(pool.waiting() == 0);
    CHECK(observer().text("SELECT fence FROM numpool_leases WHERE pool = " + pool.q()) == fence);
    shows("the C++ client, numpool run", mode, "refused");
  }
}
