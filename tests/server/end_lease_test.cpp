// numpool_end_lease: an operator ends one lease, and never the one after it.
#include <doctest/doctest.h>

#include "server/tokens.h"

using namespace numpool_test;

namespace {

// Acquires, and gives the fence.
std::string acquire_fence(Session& session, const Pool& pool) {
  return session.must(acquire_with_fence(pool)).rows.at(0).at(1).value();
}

}  // namespace

TEST_CASE("end_lease: the number goes to the next at COMMIT, and the holder has it no more") {
  Pool pool(1);
  Session holder, waiter, op;
  const std::string fence = acquire_fence(holder, pool);
  wait_in_queue(waiter, pool, 1);
  op.must("BEGIN");
  CHECK(op.value(end_lease(pool)) == "t");
  CHECK_FALSE(waiter.done_within(30ms));
  CHECK(holder.text(call("fence", pool, "0")) == fence);
  op.must("COMMIT");
  CHECK(waiter.finish().number() == 0);
  CHECK_FALSE(holder.number(call("fence", pool, "0")));
  CHECK(holder.value(release(pool, 0)) == "f");
  CHECK(holder.state(call("release", pool, "0, " + fence)) == "55000");
  CHECK(holder.number("SELECT numpool_release_all()") == 0);
  CHECK(pool.holder() == waiter.pid());
}

TEST_CASE("end_lease: ROLLBACK, also to a savepoint, ends nothing") {
  Pool pool(2);
  Session holder, op;
  holder.must(acquire(pool) + "; " + acquire(pool));
  op.must("BEGIN; " + end_lease(pool, 0) + "; ROLLBACK");
  CHECK(pool.in_use() == 2);
  op.must("BEGIN; " + end_lease(pool, 0) + "; SAVEPOINT s; " + end_lease(pool, 1) +
          "; ROLLBACK TO s; COMMIT");
  CHECK(pool.holder(0) == 0);
  CHECK(pool.holder(1) == holder.pid());
  op.must("BEGIN; SAVEPOINT s; " + end_lease(pool, 1) + "; RELEASE s");
  CHECK(op.state("PREPARE TRANSACTION 'x'") == "0A000");
  CHECK(pool.in_use() == 1);
}

TEST_CASE("end_lease: only the lease of the call, whatever has come since") {
  Pool pool(1);
  Session first, second, op;
  const std::string fence = acquire_fence(first, pool);
  op.must("BEGIN; " + end_lease(pool));
  first.must(release(pool, 0));
  CHECK(second.number(acquire(pool)) == 0);
  op.must("COMMIT");
  CHECK(pool.holder() == second.pid());
  CHECK(op.value(end_lease(pool, 0, fence)) == "f");
  CHECK(pool.holder() == second.pid());
  CHECK(op.value(end_lease(pool, 0, second.text(call("fence", pool, "0")))) == "t");
  CHECK(op.value(end_lease(pool)) == "f");
  CHECK(pool.idle_within());
}

TEST_CASE(
    "end_lease: whatever the holder's transaction does with it afterwards, nobody else's goes") {
  for (const char* how : {"COMMIT", "ROLLBACK", "ROLLBACK TO s; COMMIT", "exit"}) {
    for (const char* before : {"acquire", "acquire_xact", "release", "take back"}) {
      CAPTURE(how);
      CAPTURE(before);
      Pool pool(1);
      Session holder, next, op;
      const std::string what = before;
      if (what == "release" || what == "take back") holder.must(acquire(pool));
      holder.must("BEGIN; SAVEPOINT s");
      if (what == "acquire") holder.must(acquire(pool));
      if (what == "acquire_xact") holder.must(acquire_xact(pool));
      if (what == "release" || what == "take back") holder.must(release(pool, 0));
      if (what == "take back") holder.must(acquire(pool));
      CHECK(op.value(end_lease(pool)) == "t");
      CHECK(next.number(try_acquire(pool)) == 0);
      if (std::string(how) == "exit")
        holder.close();
      else
        holder.must(how);
      CHECK(pool.holder() == next.pid());
      next.must(release(pool, 0));
      CHECK(pool.idle_within());
    }
  }
}

TEST_CASE("end_lease: the transaction that has released it takes back what is left") {
  Pool pool(3);
  Session holder, next, op;
  holder.must(acquire(pool) + "; " + acquire(pool) + "; BEGIN; " + release(pool, 0) + "; " +
              release(pool, 1));
  op.must(end_lease(pool, 0));
  CHECK(next.number(acquire(pool)) == 0);
  CHECK(holder.number(acquire(pool)) == 1);
  CHECK(holder.number(acquire(pool)) == 2);
  holder.must("COMMIT");
  CHECK(pool.in_use() == 3);
}

TEST_CASE("end_lease: a drop without force does not take another's lease for its own release") {
  Pool pool(1);
  Session holder, next, op;
  holder.must(acquire(pool) + "; BEGIN; " + release(pool, 0));
  op.must(end_lease(pool));
  CHECK(next.number(acquire(pool)) == 0);
  CHECK(holder.state(call("drop", pool)) == "55006");
  holder.must("ROLLBACK; " + acquire(pool, "0"));
  CHECK(pool.holder() == next.pid());
}

TEST_CASE("end_lease: who listens is told, once, and a ticket that nobody was told of as well") {
  Pool pool(2);
  Session holder, op, late;
  const auto ticket = enqueue_ticket(holder, pool);
  op.must(acquire(pool));
  const auto second = enqueue_ticket(holder, pool);
  holder.must("BEGIN");
  op.must(release(pool, 1));
  op.must(end_lease(pool, 1) + "; " + end_lease(pool, 0));
  CHECK(late.number(acquire(pool)) == 0);
  CHECK(poll_state(holder, second) == "ended");
  holder.must("ROLLBACK");
  int lost = 0, ended = 0;
  for (int i = 0; i < 2; i++) {
    const auto told = holder.own_notification();
    REQUIRE(told);
    CHECK(told->find("\"error\":\"ended\"") != std::string::npos);
    lost += told->find("\"ticket\":" + std::to_string(ticket) + ",") != std::string::npos &&
            told->find("\"index\":0,\"fence\":") != std::string::npos;
    ended += told->find("\"ticket\":" + std::to_string(second) + ",") != std::string::npos &&
             told->find("\"index\"") == std::string::npos;
  }
  CHECK(lost == 1);
  CHECK(ended == 1);
  CHECK_FALSE(holder.own_notification(50ms));
  CHECK(poll_state(holder, ticket) == "gone");
  CHECK(pool.in_use() == 1);
}

TEST_CASE("end_lease: dropped, and not ended, is told of a pool that has gone") {
  Pool pool(1);
  Session holder;
  enqueue_ticket(holder, pool);
  // The row is put back, so a pool of the same identity comes.
  observer().must(
      "BEGIN; CREATE TEMP TABLE row ON COMMIT DROP AS SELECT * FROM numpool_definitions "
      "WHERE name = " +
      pool.q() + "; SELECT numpool_drop(" + pool.q() +
      ", true); INSERT INTO numpool_definitions SELECT * FROM row; COMMIT");
  observer().must(try_acquire(pool));
  const auto told = holder.own_notification();
  REQUIRE(told);
  CHECK(told->find("\"error\":\"dropped\"") != std::string::npos);
  observer().must("SELECT numpool_release_all()");
}

TEST_CASE("end_lease: a lease above the size of a pool that was made smaller is retired") {
  Pool pool(2);
  Session holder, op;
  holder.must(acquire(pool) + "; " + acquire(pool));
  op.must(call("resize", pool, "1"));
  CHECK(op.value(end_lease(pool, 1)) == "t");
  CHECK(pool.in_use() == 1);
  CHECK(op.state(end_lease(pool, 1)) == "22023");
  CHECK_FALSE(op.number(try_acquire(pool)));
}

TEST_CASE("end_lease: of a timed lease it releases the token, row included") {
  Pool pool(1);
  Session op, waiter;
  const std::string token = new_token();
  op.must(lease(pool, token));
  CHECK(rows_of(pool) == 1);
  op.must("BEGIN; " + end_lease(pool) + "; ROLLBACK");
  CHECK(has(pool, token));
  CHECK(rows_of(pool) == 1);
  CHECK(op.text(renew(token)) != "");
  wait_in_queue(waiter, pool, 1);
  CHECK(op.state("BEGIN READ ONLY; " + end_lease(pool)) == "25006");
  op.must("ROLLBACK; " + end_lease(pool));
  CHECK(waiter.finish().number() == 0);
  CHECK(rows_of(pool) == 0);
  CHECK(op.text(renew(token)) == "");
}

TEST_CASE("end_lease: a lease that an open transaction takes for a token") {
  Pool pool(1);
  Session taker, next, op;
  const std::string token = new_token();
  std::string end;
  SUBCASE("COMMIT") {
    end = "COMMIT";
  }
  SUBCASE("ROLLBACK") {
    end = "ROLLBACK";
  }
  SUBCASE("released, COMMIT") {
    end = release_token(token) + "; COMMIT";
  }
  SUBCASE("kept") {
    taker.must(acquire(pool) + "; BEGIN; " + keep(pool, 0, token));
    end = "COMMIT";
  }
  if (pool.in_use() == 0) taker.must("BEGIN; " + lease(pool, token));
  CHECK(op.value(end_lease(pool)) == "t");
  CHECK(next.number(try_acquire(pool)) == 0);
  CHECK(taker.text(renew(token)) == "");
  taker.must(end);
  CHECK(pool.holder() == next.pid());
  CHECK(op.text(renew(token)) == "");
  // What it has left is swept by whoever next leases by token.
  next.must(release(pool, 0));
  const std::string other = new_token();
  op.must(lease(pool, other) + "; " + release_token(other));
  CHECK(eventually([&] { return rows_of(pool) == 0; }));
  CHECK(pool.idle_within());
}

TEST_CASE("end_lease: a lease that became a token's between the call and COMMIT") {
  Pool pool(1);
  Session holder, next, op;
  const std::string token = new_token();
  holder.must(acquire(pool));
  op.must("BEGIN; " + end_lease(pool));
  holder.must(keep(pool, 0, token));
  SUBCASE("nobody uses the token") {
    op.must("COMMIT");
    CHECK(next.number(try_acquire(pool)) == 0);
  }
  SUBCASE("an open transaction releases it, and is rolled back") {
    holder.must("BEGIN; " + release_token(token));
    op.must("COMMIT");
    CHECK_FALSE(next.number(try_acquire(pool)));
    holder.must("ROLLBACK");
    CHECK(next.number(acquire(pool)) == 0);
  }
  SUBCASE("an open transaction releases it, and commits") {
    holder.must("BEGIN; " + release_token(token));
    op.must("COMMIT");
    holder.must("COMMIT");
    CHECK(next.number(try_acquire(pool)) == 0);
  }
  SUBCASE("an open transaction releases it, and takes it back") {
    holder.must("BEGIN; " + release_token(token));
    op.must("COMMIT");
    holder.must(lease(pool, token) + "; COMMIT");
    CHECK(next.number(acquire(pool)) == 0);
  }
  CHECK(holder.text(renew(token)) == "");
  CHECK(pool.holder() == next.pid());
}

TEST_CASE("end_lease: an offer goes to the next, and a call that sleeps for it takes another") {
  Pool pool(1);
  Session holder, caller, next, op;
  const std::string token = new_token();
  holder.must(acquire(pool));
  CHECK(caller.text(lease(pool, token)) == "");  // a place
  wait_in_queue(next, pool, 2);
  holder.must(release(pool, 0));
  CHECK(observer().text("SELECT state FROM numpool_leases WHERE pool = " + pool.q()) == "granted");
  CHECK(op.value(end_lease(pool)) == "t");
  CHECK(next.finish().number() == 0);
  CHECK(caller.text(renew(token)) == "");
}

TEST_CASE("end_lease: who may, and what it says of nonsense") {
  Pool pool(2);
  Session op;
  CHECK(op.value(end_lease(pool)) == "f");
  CHECK(op.state(end_lease(pool, 2)) == "22023");
  CHECK(op.state(end_lease(pool, -1)) == "22023");
  CHECK(op.state("SELECT numpool_end_lease('no such pool', 0)") == "42704");
  CHECK(op.state("SELECT numpool_end_lease(NULL, 0)") == "22004");
  CHECK(op.state(call("end_lease", pool, "NULL")) == "22004");
}
