// numpool_set_service and numpool_drain as several sessions see them.
#include <doctest/doctest.h>

#include "server/tokens.h"

using namespace numpool_test;

TEST_CASE("service: waiters are served at COMMIT when a number comes back, and not before") {
  Pool pool(2);
  Session op, holder, first, second;
  op.must(set_service(pool, 1, false));
  CHECK(holder.number(acquire(pool)) == 0);
  wait_in_queue(first, pool, 1);
  const auto ticket = enqueue_ticket(second, pool);
  op.must("BEGIN; " + set_service(pool, 1, true));
  CHECK_FALSE(first.done_within(30ms));
  op.must("COMMIT");
  CHECK(first.finish().number() == 1);
  CHECK(poll_state(second, ticket) == "waiting");
  // Out of service again while it is held: nobody gets it, and the other goes to who waits.
  op.must(set_service(pool, 1, false));
  first.must(release(pool, 1));
  CHECK(poll_state(second, ticket) == "waiting");
  holder.must(release(pool, 0));
  CHECK(poll_state(second, ticket) == "granted");
}

TEST_CASE("drain: waiters stay, and are served in their order when it ends") {
  Pool pool(2);
  Session op, holder, first, second;
  CHECK(holder.number(acquire(pool)) == 0);
  op.must(drain(pool, true));
  wait_in_queue(first, pool, 1);
  wait_in_queue(second, pool, 2);
  holder.must(release(pool, 0));
  CHECK(pool.free() == 0);
  CHECK_FALSE(first.done_within(30ms));
  CHECK(pool.waiting() == 2);
  op.must(drain(pool, false));
  CHECK(first.finish().number() == 0);
  CHECK(second.finish().number() == 1);
}

TEST_CASE("drain: who holds a number of a drained pool may wait for another") {
  Pool pool(2);
  Session op, holder;
  holder.must(acquire(pool));
  op.must(drain(pool, true));
  wait_in_queue(holder, pool, 1);
  CHECK_FALSE(holder.done_within(50ms));
  op.must(drain(pool, false));
  CHECK(holder.finish().number() == 1);
}

TEST_CASE("service: who waits and comes to hold all that may be given is told") {
  Pool pool(2);
  Session op, a;
  a.must("SET deadlock_timeout = '50 ms'; " + acquire(pool));
  op.must(acquire(pool));
  wait_in_queue(a, pool, 1);
  // The number of the other goes out of service: nobody but the sleeper holds one that counts.
  op.must(set_service(pool, 1, false) + "; " + release(pool, 1));
  CHECK(a.finish().sqlstate == "40P01");
}

TEST_CASE("service: a deadlock is found though a number lies idle, out of service") {
  Pool pool(2);
  Session op, a, b;
  op.must(set_service(pool, 1, false));
  for (Session* one : {&a, &b}) one->must("SET deadlock_timeout = '50 ms'");
  a.must(acquire(pool) + "; BEGIN; SELECT pg_advisory_xact_lock(4711)");
  b.must("BEGIN; SELECT pg_advisory_xact_lock(4712)");
  wait_in_queue(b, pool, 1);
  a.send("SELECT pg_advisory_xact_lock(4712)");
  CHECK(b.finish().sqlstate == "40P01");
  b.must("ROLLBACK");
  CHECK(a.finish().ok);
}

TEST_CASE("service: an eviction and a load know of it, and so do two who change it at once") {
  Pool pool(3);
  Session one, two;
  one.must("BEGIN; " + set_service(pool, 0, false));
  two.send(set_service(pool, 1, false));
  CHECK_FALSE(two.done_within(30ms));
  one.must("COMMIT");
  CHECK(two.finish().ok);
  CHECK(one.number(try_acquire(pool)) == 2);
  one.must(release(pool, 2));
  // Another table of the pool's row would load it afresh; so does a new row of the identity.
  one.must(
      "BEGIN; CREATE TEMP TABLE row ON COMMIT DROP AS SELECT * FROM numpool_definitions "
      "WHERE name = " +
      pool.q() + "; SELECT numpool_drop(" + pool.q() +
      "); INSERT INTO numpool_definitions SELECT * FROM row; COMMIT");
  CHECK(two.number(try_acquire(pool)) == 2);
  CHECK_FALSE(two.number(try_acquire(pool)));
}

TEST_CASE("service: who loads a pool while it is being changed gives nothing that is out") {
  // A pool that nobody has used, whose change is open: it is loaded as committed.
  Pool pool(1);
  Session op, user;
  op.must("BEGIN; " + set_service(pool, 0, false));
  CHECK(user.number(try_acquire(pool)) == 0);
  op.must("COMMIT");
  user.must(release(pool, 0));
  CHECK_FALSE(user.number(try_acquire(pool)));
  CHECK(pool.free() == 0);
  // The transaction that makes the pool sees its own.
  Pool made(0, "made");
  op.must("BEGIN; SELECT numpool_create(" + made.q() + ", 2); " + set_service(made, 0, false));
  CHECK(op.number(try_acquire(made)) == 1);
  CHECK_FALSE(op.number(try_acquire(made)));
  op.must("ROLLBACK");
}

TEST_CASE("service: places and timed leases") {
  Pool pool(1);
  Session op;
  const std::string held = new_token(), waits = new_token();
  op.must(lease(pool, held));
  op.must(lease(pool, waits));
  op.must(set_service(pool, 0, false));
  CHECK(op.text(renew(held)) != "");
  op.must(release_token(held));
  CHECK(owner_of(pool) == "");
  CHECK(pool.waiting() == 1);
  op.must(set_service(pool, 0, true));
  CHECK(has(pool, waits));
  op.must(release_token(waits));
}
