// PgBouncer with pool_mode = session: a server connection is one client's until that leaves.
#include <doctest/doctest.h>

#include "client.hpp"
#include "program.h"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;

namespace {

constexpr char kMode[] = "session";

}  // namespace

TEST_CASE("session pooling: acquire, wait, release") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  client first(bouncer), second(bouncer);
  CHECK(first.query(call("numpool_acquire", pool)) == "0");
  second.send(call("numpool_acquire", pool));
  REQUIRE(pool.waiters_become(1));
  CHECK(first.query("SELECT numpool_release('" + pool.name() + "', 0)") == "t");
  CHECK(second.answer() == "0");
  CHECK(first.query("SELECT numpool_acquire('" + pool.name() + "', '10 ms') IS NULL") == "t");
  shows("a lease of a session", kMode, "works");
}

TEST_CASE("session pooling: leases and locks of a transaction") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  client first(bouncer), second(bouncer);
  first.query("BEGIN");
  CHECK(first.query(call("numpool_acquire_xact", pool)) == "0");
  first.query(call("numpool_xact_lock", pool));
  second.send(call("numpool_acquire_xact", pool));
  REQUIRE(pool.waiters_become(1));
  first.query("COMMIT");
  CHECK(second.answer() == "0");
  CHECK(pool.in_use() == 0);
  shows("a lease or a lock of a transaction", kMode, "works");
}

TEST_CASE("session pooling: a ticket and its notification") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  client holder(bouncer), waiter(bouncer);
  CHECK(holder.query(call("numpool_acquire", pool)) == "0");
  const std::string ticket =
      waiter.query("SELECT ticket FROM numpool_enqueue('" + pool.name() + "')");
  CHECK(waiter.query("SELECT state FROM numpool_poll(" + ticket + ")") == "waiting");
  holder.query("SELECT numpool_release_all()");
  const auto told = waiter.notified(5s);
  REQUIRE(told);
  CHECK(told->channel == waiter.query("SELECT numpool_channel()"));
  CHECK(told->payload.find("\"ticket\":" + ticket) != std::string::npos);
  // The sender is the session's backend as the server calls it, not as the pooler does.
  CHECK(std::to_string(told->sender) == waiter.query("SELECT pg_backend_pid()"));
  CHECK(told->sender != waiter.pid_told());
  CHECK(waiter.query("SELECT index FROM numpool_poll(" + ticket + ")") == "0");
  CHECK(waiter.query("SELECT numpool_cancel(" + ticket + ")") == "t");
  CHECK(pool.in_use() == 0);
  shows("a ticket", kMode, "works");
}

TEST_CASE("session pooling: psql is told of its ticket") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  client holder(bouncer);
  CHECK(holder.query(call("numpool_acquire", pool)) == "0");
  Program waiter = Program({"psql", "-qAtX", bouncer.conninfo(), "-c",
                            "SELECT ticket FROM numpool_enqueue('" + pool.name() + "')", "-c",
                            "SELECT pg_sleep(1)"});
  REQUIRE(pool.waiters_become(1));
  holder.query("SELECT numpool_release_all()");
  CHECK(waiter.wait() == 0);
  CHECK(waiter.out().find("Asynchronous notification \"numpool") != std::string::npos);
  CHECK(waiter.out().find("\"index\":0") != std::string::npos);
}

TEST_CASE("session pooling: who leaves takes nothing along, by the reset query") {
  for (const char* reset : {"DISCARD ALL", "SELECT numpool_release_all()"}) {
    CAPTURE(reset);
    Pool pool(2);
    pooler bouncer({kMode, 1, {{"server_reset_query", reset}}});
    std::string backend;
    {
      client leaving(bouncer);
      backend = leaving.query("SELECT pg_backend_pid()");
      CHECK(leaving.query(call("numpool_acquire", pool)) == "0");
      leaving.query("SELECT numpool_enqueue('" + pool.name() + "')");
      CHECK(pool.in_use() == 2);
    }
    CHECK(pool.in_use_becomes(0));
    client next(bouncer);
    CHECK(next.query("SELECT pg_backend_pid()") == backend);
    CHECK(next.query(call("numpool_try_acquire", pool)) == "0");
  }
  {
    Pool pool(1);
    pooler bouncer({kMode, 1, {{"server_reset_query", ""}}});
    client(bouncer).query(call("numpool_acquire", pool));
    client next(bouncer);
    CHECK(pool.in_use() == 1);  // without one the lease is the next client's
    CHECK(next.query("SELECT numpool_release('" + pool.name() + "', 0)") == "t");
  }
  shows("a client that leaves", kMode, "works");
}

TEST_CASE("session pooling: a client is killed while it holds, waits, or has a ticket") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  doomed_client holder(bouncer, {call("numpool_acquire", pool)});
  REQUIRE(pool.in_use_becomes(1));
  doomed_client waiter(bouncer, {call("numpool_acquire", pool)});
  REQUIRE(pool.waiters_become(1));
  doomed_client queued(bouncer, {call("numpool_enqueue", pool)});
  REQUIRE(pool.waiters_become(2));
  client next(bouncer);
  next.send(call("numpool_acquire", pool));
  REQUIRE(pool.waiters_become(3));
  waiter.kill();
  CHECK(pool.waiters_become(2));
  queued.kill();
  CHECK(pool.waiters_become(1));
  holder.kill();
  CHECK(next.answer() == "0");
  shows("a client that is killed", kMode, "works");
}
