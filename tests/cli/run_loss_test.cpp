// run: the lease is lost while the command runs.
#include <doctest/doctest.h>

#include <csignal>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

using std::chrono::seconds;

Numpool start_in(const Pool& pool, const std::string& script, const char* grace = "10s") {
  return Numpool({"run", pool.name(), "--grace", grace, "--", "sh", "-c", script});
}

void terminate_holder(Pool& pool) {
  observer().text("SELECT pg_terminate_backend($1)", {std::to_string(pool.holder())});
}

void lost(Program& p) {
  CHECK(p.wait() == 74);
  // A shell may have its own to say about a child that was terminated.
  CHECK(p.err().find("numpool: the lease was lost (") != std::string::npos);
  CHECK(p.err().find("numpool: ") == p.err().rfind("numpool: "));
}

bool said(const Program& p, int count) {
  return eventually([&] { return lines(p.out()) >= count; }, kSoon);
}

}  // namespace

TEST_CASE("backend terminated: SIGTERM to the command, exit 74") {
  Pool pool(1);
  Numpool running =
      start_in(pool, "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.02; done");
  REQUIRE(said(running, 1));
  terminate_holder(pool);
  lost(running);
  CHECK(running.out() == "ready\ngot TERM\n");
  CHECK(pool.in_use() == 0);
}

TEST_CASE("pool dropped by force: the same") {
  Pool pool(1);
  Numpool running = start_in(pool, "echo ready; exec sleep 60");
  REQUIRE(said(running, 1));
  observer().text("SELECT numpool_drop($1, true)", {pool.name()});
  lost(running);
}

TEST_CASE("pool dropped by force, of a number that was not waited for: the same") {
  Pool pool(1);
  Numpool running(
      {"run", pool.name(), "--timeout", "0", "--", "sh", "-c", "echo ready; exec sleep 60"});
  REQUIRE(said(running, 1));
  observer().text("SELECT numpool_drop($1, true)", {pool.name()});
  lost(running);
}

TEST_CASE("lease ended by force: the same") {
  Pool pool(1);
  Numpool running = start_in(pool, "echo ready; exec sleep 60");
  REQUIRE(said(running, 1));
  observer().text("SELECT numpool_end_lease($1, 0)", {pool.name()});
  lost(running);
  CHECK(running.err().find("(ended by force)") != std::string::npos);
  CHECK(pool.idle_within());
}

TEST_CASE("a command that ignores SIGTERM: SIGKILL after the grace, to the whole group") {
  Pool pool(1);
  Numpool running = start_in(
      pool, "trap '' TERM; (while :; do sleep 0.02; done) & echo $!; while :; do wait; done",
      "500ms");
  REQUIRE(said(running, 1));
  const pid_t inner = std::stoi(running.out());
  const auto start = std::chrono::steady_clock::now();
  terminate_holder(pool);
  lost(running);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(490));
  CHECK(took_at_most(seconds(8), start));
  CHECK(!alive(inner));
}

TEST_CASE("a command that is stopped is ended as well") {
  Pool pool(1);
  Numpool running = start_in(pool, "echo $$; kill -STOP $$; exec sleep 60");
  REQUIRE(said(running, 1));
  terminate_holder(pool);
  lost(running);
}

TEST_CASE("the command ends before the grace is over: no waiting for it") {
  Pool pool(1);
  Numpool running = start_in(pool, "echo ready; exec sleep 60", "60s");
  REQUIRE(said(running, 1));
  const auto start = std::chrono::steady_clock::now();
  terminate_holder(pool);
  lost(running);
  CHECK(took_at_most(seconds(8), start));
}

TEST_CASE("the waiting survives a lost connection: it joins the queue again") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool waiting({"run", pool.name(), "--", "echo", "at last"});
  REQUIRE(pool.waiters_become(1, kSoon));
  const auto before = pool.queue();
  observer().text("SELECT pg_terminate_backend($1)", {std::to_string(before.at(0))});
  REQUIRE(eventually([&] { return pool.queue().size() == 1 && pool.queue() != before; }, kSoon));
  holder.text("SELECT numpool_release_all()");
  CHECK(waiting.wait() == 0);
  CHECK(waiting.out() == "at last\n");
}

TEST_CASE("the pool is dropped while we wait") {
  Pool pool(1);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  Numpool waiting({"run", pool.name(), "--", "echo", "not me"});
  REQUIRE(pool.waiters_become(1, kSoon));
  observer().text("SELECT numpool_drop($1, true)", {pool.name()});
  CHECK(waiting.wait() == 1);
  CHECK(waiting.out().empty());
  CHECK(lines(waiting.err()) == 1);
}
