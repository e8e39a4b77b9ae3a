// PgBouncer with pool_mode = statement: no transaction is longer than a statement.
#include <doctest/doctest.h>

#include "client.hpp"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;

namespace {

constexpr char kMode[] = "statement";

}  // namespace

TEST_CASE("statement pooling: a session's lease is whose statement comes next") {
  Pool pool(1);
  pooler bouncer({kMode, 1, {}});
  client first(bouncer), stranger(bouncer);
  CHECK(first.query(call("numpool_acquire", pool)) == "0");
  CHECK(stranger.query("SELECT numpool_release('" + pool.name() + "', 0)") == "t");
  shows("a lease of a session", kMode, "no");
}

TEST_CASE("statement pooling: a transaction's lease ends with its statement") {
  Pool pool(1);
  pooler bouncer({kMode, 1, {}});
  client one(bouncer);
  CHECK(one.query(call("numpool_acquire_xact", pool)) == "0");
  CHECK(pool.in_use() == 0);
  one.refused("BEGIN");
  shows("a lease or a lock of a transaction", kMode, "no");
}

TEST_CASE("statement pooling: nobody is told of a ticket") {
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
