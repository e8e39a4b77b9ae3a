// run: the lease is lost while the command runs.
#include <doctest/doctest.h>

#include <csignal>

#include "database.hpp"
#include "program.hpp"

using namespace cli_test;

namespace {

using std::chrono::seconds;

program start_in(const test_pool& pool, const std::string& script, const char* grace = "10s") {
  return program({"run", pool.name(), "--grace", grace, "--", "sh", "-c", script});
}

void terminate_holder(test_pool& pool) {
  pool.sql().query("SELECT pg_terminate_backend($1)", {std::to_string(pool.holder())});
}

void lost(program& p) {
  CHECK(p.wait() == 74);
  // A shell may have its own to say about a child that was terminated.
  CHECK(p.err().find("numpool: the lease was lost (") != std::string::npos);
  CHECK(p.err().find("numpool: ") == p.err().rfind("numpool: "));
}

bool said(const program& p, int count) {
  return eventually([&] { return lines(p.out()) >= count; });
}

}  // namespace

TEST_CASE("backend terminated: SIGTERM to the command, exit 74") {
  test_pool pool(1);
  program running =
      start_in(pool, "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.02; done");
  REQUIRE(said(running, 1));
  terminate_holder(pool);
  lost(running);
  CHECK(running.out() == "ready\ngot TERM\n");
  CHECK(pool.in_use() == 0);
}

TEST_CASE("pool dropped by force: the same") {
  test_pool pool(1);
  program running = start_in(pool, "echo ready; exec sleep 60");
  REQUIRE(said(running, 1));
  pool.sql().query("SELECT numpool_drop($1, true)", {pool.name()});
  lost(running);
}

TEST_CASE("a command that ignores SIGTERM: SIGKILL after the grace, to the whole group") {
  test_pool pool(1);
  program running = start_in(
      pool, "trap '' TERM; (while :; do sleep 0.02; done) & echo $!; while :; do wait; done",
      "500ms");
  REQUIRE(said(running, 1));
  const pid_t inner = std::stoi(running.out());
  const auto start = std::chrono::steady_clock::now();
  terminate_holder(pool);
  lost(running);
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= std::chrono::milliseconds(490));
  CHECK(took < seconds(8));
  CHECK(!alive(inner));
}

TEST_CASE("a command that is stopped is ended as well") {
  test_pool pool(1);
  program running = start_in(pool, "echo $$; kill -STOP $$; exec sleep 60");
  REQUIRE(said(running, 1));
  terminate_holder(pool);
  lost(running);
}

TEST_CASE("the command ends before the grace is over: no waiting for it") {
  test_pool pool(1);
  program running = start_in(pool, "echo ready; exec sleep 60", "60s");
  REQUIRE(said(running, 1));
  const auto start = std::chrono::steady_clock::now();
  terminate_holder(pool);
  lost(running);
  CHECK(std::chrono::steady_clock::now() - start < seconds(8));
}

TEST_CASE("the waiting survives a lost connection: it joins the queue again") {
  test_pool pool(1);
  session holder;
  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  program waiting({"run", pool.name(), "--", "echo", "at last"});
  REQUIRE(pool.has_waiting(1));
  pool.sql().query("SELECT pg_terminate_backend(pid) FROM numpool_waiters WHERE pool = $1",
                   {pool.name()});
  REQUIRE(pool.has_waiting(0));
  REQUIRE(pool.has_waiting(1));
  holder.query("SELECT numpool_release_all()");
  CHECK(waiting.wait() == 0);
  CHECK(waiting.out() == "at last\n");
}

TEST_CASE("the pool is dropped while we wait") {
  test_pool pool(1);
  session holder;
  holder.query("SELECT numpool_acquire($1)", {pool.name()});
  program waiting({"run", pool.name(), "--", "echo", "not me"});
  REQUIRE(pool.has_waiting(1));
  pool.sql().query("SELECT numpool_drop($1, true)", {pool.name()});
  CHECK(waiting.wait() == 1);
  CHECK(waiting.out().empty());
  CHECK(lines(waiting.err()) == 1);
}
