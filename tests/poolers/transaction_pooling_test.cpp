// PgBouncer with pool_mode = transaction: after each transaction a client may be in another
// session, and another client in this one.
#include <doctest/doctest.h>

#include "client.hpp"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;

namespace {

constexpr char kMode[] = "transaction";

}  // namespace

TEST_CASE("transaction pooling: a session's lease is whose transaction comes next") {
  Pool pool(1);
  pooler bouncer({kMode, 1, {}});
  {
    client leaving(bouncer);
    CHECK(leaving.query(call("numpool_acquire", pool)) == "0");
  }
  client stranger(bouncer);
  CHECK(stranger.query("SELECT 1") == "1");
  CHECK(pool.in_use() == 1);
  CHECK(stranger.query("SELECT numpool_release('" + pool.name() + "', 0)") == "t");
  shows("a lease of a session", kMode, "no");
}

TEST_CASE("transaction pooling: leases and locks of a transaction") {
  Pool pool(1);
  pooler bouncer({kMode, 2, {}});
  client first(bouncer), second(bouncer), third(bouncer);
  first.query("BEGIN");
  CHECK(first.query(call("numpool_acquire_xact", pool)) == "0");
  first.query(call("numpool_xact_lock", pool));
  second.send(call("numpool_acquire_xact", pool));
  REQUIRE(pool.waiters_become(1));
  first.query("COMMIT");
  CHECK(second.answer() == "0");
  CHECK(pool.in_use() == 0);
  third.query("BEGIN");
  third.query(call("numpool_acquire_xact", pool));
  third.query("ROLLBACK");
  CHECK(pool.in_use() == 0);
  shows("a lease or a lock of a transaction", kMode, "works");
}

TEST_CASE("transaction pooling: nobody is told of a ticket") {
  Pool pool(1);
  pooler bouncer({kMode, 1, {}});
  client waiter(bouncer);
  Session holder;
  holder.text("SELECT numpool_acquire($1)", {pool.name()});
  waiter.query("SELECT ticket FROM numpool_enqueue('" + pool.name() + "')");
  REQUIRE(pool.waiters_become(1));
  holder.text("SELECT numpool_release_all()");
  CHECK(!waiter.notified(500ms));
  shows("a ticket", kMode, "no");
}

TEST_CASE("transaction pooling: a client leaves or is killed in its transaction, or waits in it") {
  Pool pool(1);
  pooler bouncer({kMode, 5, {}});
  {
    client leaving(bouncer);
    leaving.query("BEGIN");
    CHECK(leaving.query(call("numpool_acquire_xact", pool)) == "0");
  }
  CHECK(pool.in_use_becomes(0));
  shows("a client that leaves", kMode, "works");

  const std::vector<std::string> wanted{"BEGIN", call("numpool_acquire_xact", pool)};
  doomed_client holder(bouncer, wanted);
  REQUIRE(pool.in_use_becomes(1));
  doomed_client waiter(bouncer, wanted);
  REQUIRE(pool.waiters_become(1));
  client next(bouncer);
  next.send(call("numpool_acquire_xact", pool));
  REQUIRE(pool.waiters_become(2));
  waiter.kill();
  CHECK(pool.waiters_become(1));
  holder.kill();
  CHECK(next.answer() == "0");
  shows("a client that is killed", kMode, "works");
}
