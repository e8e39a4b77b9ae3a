// Waits that are refused, and waits that begin while a definition is being changed.
#include <doctest/doctest.h>

#include <thread>

#include "server/calls.h"

using namespace numpool_test;

TEST_CASE("a session that holds every number of a pool cannot wait for one more: 40P01") {
  Pool pool(2);
  Session holder, other;
  holder.must(acquire(pool));
  other.must(acquire(pool));
  // Half of the pool: it waits.
  holder.must("SET lock_timeout = '50ms'");
  CHECK(holder.state(acquire(pool)) == "55P03");
  other.must(release(pool, 1));
  holder.must(acquire(pool));
  CHECK(holder.state(acquire(pool)) == "40P01");
  CHECK(holder.state(acquire_xact(pool, "1 hour")) == "40P01");
  CHECK_FALSE(holder.number(try_acquire(pool)));
  CHECK_FALSE(holder.number(acquire(pool, "0")));
  CHECK(pool.in_use() == 2);
  CHECK(pool.queue().empty());
  // An enqueue does not sleep, so it is allowed.
  CHECK(holder.run(enqueue(pool)).ok);
  // In a savepoint that failed nothing of it stays either.
  holder.must("BEGIN; SAVEPOINT s");
  CHECK(holder.state(acquire(pool)) == "40P01");
  holder.must("ROLLBACK TO s; COMMIT; SELECT numpool_release_all()");
  CHECK(pool.idle_within());
}

TEST_CASE("what a shrink has left to a session counts as every number: 40P01") {
  Pool pool(2);
  Session holder, other;
  holder.must(acquire(pool));
  other.must(acquire(pool));
  SUBCASE("before it asks") {
    observer().must(call("resize", pool, "1"));
    CHECK(holder.run(acquire(pool)).sqlstate == "40P01");
  }
  SUBCASE("while it sleeps") {
    wait_in_queue(holder, pool, 1);
    observer().must(call("resize", pool, "1"));
    CHECK(holder.finish().sqlstate == "40P01");
  }
  SUBCASE("while it sleeps behind another, who goes on waiting") {
    Session first;
    wait_in_queue(first, pool, 1);
    wait_in_queue(holder, pool, 2);
    observer().must(call("resize", pool, "1"));
    CHECK(holder.finish().sqlstate == "40P01");
    CHECK_FALSE(first.done_within(50ms));
    holder.must(release(pool, 0));
    CHECK(first.finish().number() == 0);
  }
  SUBCASE("not so if another has one of those that are left") {
    other.must(release(pool, 1));
    holder.must(release(pool, 0));
    other.must(acquire(pool));
    holder.must(acquire(pool));
    observer().must(call("resize", pool, "1"));
    holder.must("SET lock_timeout = '50ms'");
    CHECK(holder.state(acquire(pool)) == "55P03");
  }
}

TEST_CASE("growing one's own full pool and acquiring before COMMIT: 55000") {
  Pool pool(1);
  Session session;
  session.must(acquire(pool));
  session.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", 2)");
  CHECK(session.state(acquire(pool)) == "55000");
  session.must("ROLLBACK");
  CHECK(pool.in_use() == 1);
  session.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", 2); COMMIT");
  CHECK(session.number(acquire(pool)) == 1);

  // Another session's number is in the way, not one's own: refused just the same.
  Session other;
  other.must("BEGIN; SELECT numpool_resize(" + pool.q() + ", 3)");
  CHECK(other.state(acquire(pool, "1 s")) == "55000");
  other.must("ROLLBACK");
  CHECK(other.run("SET lock_timeout = '20ms'; " + acquire(pool)).sqlstate == "55P03");
}

TEST_CASE("an acquire that comes after a drop waits for the dropping transaction") {
  Pool pool(1);
  Session dropper, comer, third;
  dropper.must("BEGIN; SELECT numpool_drop(" + pool.q() + ")");
  // Trying does not wait.
  CHECK_FALSE(third.number(try_acquire(pool)));
  CHECK_FALSE(third.number(acquire(pool, "0")));
  CHECK_FALSE(third.number(call("try_acquire_xact", pool)));
  comer.send(acquire(pool));
  CHECK_FALSE(comer.done_within(100ms));
  SUBCASE("COMMIT: there is no such pool") {
    dropper.must("COMMIT");
    CHECK(comer.finish().sqlstate == "42704");
    CHECK(third.state(try_acquire(pool)) == "42704");
  }
  SUBCASE("ROLLBACK: it gets its number") {
    dropper.must("ROLLBACK");
    CHECK(comer.finish().number() == 0);
  }
  SUBCASE("ROLLBACK TO a savepoint before the drop") {
    dropper.must("ROLLBACK");
    CHECK(comer.finish().number() == 0);
    comer.must(release(pool, 0));
    dropper.must("BEGIN; SAVEPOINT s; SELECT numpool_drop(" + pool.q() + "); ROLLBACK TO s");
    comer.must(acquire(pool));
    dropper.must("COMMIT");
  }
  SUBCASE("dropped and made again in one transaction: it gets a number of the new one") {
    dropper.must("SELECT numpool_create(" + pool.q() + ", 5)");
    dropper.must("COMMIT");
    CHECK(comer.finish().number() == 0);
    CHECK(pool.free() == 4);
  }
  SUBCASE("cancelled, it leaves no trace") {
    comer.cancel();
    CHECK(comer.finish().sqlstate == "57014");
    dropper.must("ROLLBACK");
    CHECK(pool.idle_within());
  }
}

TEST_CASE("waiting for a closing pool honours timeouts") {
  Pool pool(1);
  Session dropper, comer;
  dropper.must("BEGIN; SELECT numpool_drop(" + pool.q() + ")");
  const auto start = Clock::now();
  const Outcome outcome = comer.run(acquire(pool, "150 ms"));
  CHECK(outcome.ok);
  CHECK_FALSE(outcome.number());
  CHECK(took_at_most(2s, start));
  comer.must("SET lock_timeout = '100ms'");
  CHECK(comer.state(acquire(pool)) == "55P03");
  comer.must("RESET lock_timeout; SET statement_timeout = '100ms'");
  CHECK(comer.state(acquire(pool)) == "57014");
  dropper.must("ROLLBACK");
}

TEST_CASE("an error while waiting for a closing pool leaves the transaction as it was") {
  Pool pool(1);
  Session dropper, comer;
  dropper.must("BEGIN; SELECT numpool_drop(" + pool.q() + ")");
  comer.must("CREATE TEMP TABLE t (i int); SET statement_timeout = '100ms'");
  CHECK(comer.state("INSERT INTO t VALUES (1) RETURNING " + acquire(pool, "10 s").substr(7)) ==
        "57014");
  // The wait is over, and the session is not inside a subtransaction that nobody ends.
  CHECK(PQtransactionStatus(comer.handle()) == PQTRANS_IDLE);
  CHECK(comer.number("SELECT count(*) FROM t") == 0);
  // What an exception block did is undone with it.
  comer.must("DO $$ BEGIN BEGIN INSERT INTO t VALUES (2); PERFORM " +
             acquire(pool, "10 s").substr(7) +
             "; EXCEPTION WHEN query_canceled THEN NULL; END; INSERT INTO t VALUES (3); END $$");
  CHECK(comer.number("SELECT sum(i) FROM t") == 3);
  CHECK(PQtransactionStatus(comer.handle()) == PQTRANS_IDLE);
  dropper.must("ROLLBACK");
}

TEST_CASE("release takes no lock on the table or on its indexes") {
  Pool pool(1);
  Session holder, locker, admin;
  holder.must(acquire(pool));
  locker.must("BEGIN; REINDEX INDEX numpool_definitions_pkey");
  // Whatever the holder remembers under the name is out of date now.
  admin.must("SELECT pg_notify('nobody', ''); SET lock_timeout = '50ms'");
  admin.run("COMMENT ON TABLE numpool_definitions IS NULL");
  holder.must("SET lock_timeout = '500ms'");
  SUBCASE("a reindex is under way") {}
  SUBCASE("the table is locked") {
    locker.must("LOCK TABLE numpool_definitions");
  }
  CHECK(holder.value(release(pool, 0)) == "t");
  CHECK(holder.number("SELECT numpool_release_all()") == 0);
  locker.must("ROLLBACK");
  CHECK(pool.idle_within());
}

TEST_CASE("drop without force against an acquire between its check and its commit") {
  // Many rounds: either the drop is refused (55006) or the acquire finds no pool (42704), never
  // neither.
  Session dropper, comer;
  int dropped = 0, refused = 0;
  for (int round = 0; round < 200; round++) {
    CAPTURE(round);
    Pool pool(1);
    if (round % 2 == 0) comer.must(try_acquire(pool) + "; " + release(pool, 0));
    dropper.send("BEGIN; SELECT numpool_drop(" + pool.q() + "); COMMIT");
    std::this_thread::sleep_for(std::chrono::microseconds(round % 20 * 50));
    comer.send(acquire(pool));
    const Outcome drop = dropper.finish();
    const Outcome taken = comer.finish();
    if (drop.ok) {
      dropped++;
      REQUIRE(taken.sqlstate == "42704");
    } else {
      refused++;
      REQUIRE(drop.sqlstate == "55006");
      REQUIRE(taken.number() == 0);
      dropper.must("ROLLBACK");
      comer.must("SELECT numpool_release_all()");
    }
  }
  CHECK(dropped + refused == 200);
  MESSAGE(dropped, " dropped, ", refused, " refused");
}

TEST_CASE("a release goes through, and to the next in line, while a forced drop is open") {
  Pool pool(1);
  Session holder, waiter, dropper;
  holder.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  dropper.must("BEGIN; SELECT numpool_drop(" + pool.q() + ", true)");
  CHECK(holder.run(release(pool, 0)).value() == "t");
  SUBCASE("rolled back") {
    dropper.must("ROLLBACK");
    CHECK(waiter.finish().number() == 0);
    CHECK(waiter.value(release(pool, 0)) == "t");
    CHECK(pool.idle_within());
  }
  SUBCASE("committed") {
    dropper.must("COMMIT");
    const Outcome outcome = waiter.finish();
    // It was served just before, or it is told that there is no such pool any more.
    CHECK((outcome.ok || outcome.sqlstate == "42704"));
    CHECK(waiter.state(try_acquire(pool)) == "42704");
  }
}

TEST_CASE("xact_lock excludes its callers only") {
  Pool pool(1);
  Session a, b, c;
  a.must("BEGIN; " + call("xact_lock", pool));
  b.send("BEGIN; " + call("xact_lock", pool));
  CHECK_FALSE(b.done_within(100ms));
  CHECK(c.number(acquire(pool)) == 0);
  a.must("COMMIT");
  CHECK(b.finish().ok);
  b.must("ROLLBACK");
  CHECK(a.run("BEGIN; " + call("xact_lock", pool) + "; ROLLBACK").ok);
}
