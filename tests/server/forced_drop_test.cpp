// numpool_drop with force: waiters get an error, leases end, and the memory is used again.
#include <doctest/doctest.h>

#include <memory>

#include "server/calls.h"

using namespace numpool_test;

namespace {

void drop(const Pool& pool) {
  observer().must("SELECT numpool_drop(" + pool.q() + ", true)");
}

}  // namespace

TEST_CASE("waiters of a pool dropped by force get 42704, leases of others end") {
  Pool pool(2);
  Session a, b, blocking, impatient, ticket;
  a.must(acquire(pool));
  b.must("BEGIN; " + acquire_xact(pool));
  wait_in_queue(blocking, pool, 1);
  wait_in_queue(impatient, pool, 2, acquire(pool, "1 hour"));
  const auto number = enqueue_ticket(ticket, pool);
  ticket.must("BEGIN");
  drop(pool);
  CHECK(blocking.finish().sqlstate == "42704");
  CHECK(impatient.finish().sqlstate == "42704");
  CHECK(poll_state(ticket, number) == "dropped");
  CHECK(ticket.run("COMMIT").ok);
  // Made again, it is another pool: nobody's old lease counts in it.
  observer().must("SELECT numpool_create(" + pool.q() + ", 2)");
  CHECK(pool.free() == 2);
  CHECK(a.value(release(pool, 0)) == "f");
  CHECK_FALSE(a.number(call("fence", pool, "0")));
  CHECK(blocking.number(acquire(pool)) == 0);
  CHECK(b.run("COMMIT").ok);
  CHECK(a.number(acquire(pool)) == 1);
  CHECK(pool.in_use() == 2);
}

TEST_CASE("whoever holds a lease of a dropped pool gives it up in peace, each way") {
  for (const char* way : {"COMMIT", "ROLLBACK", "release_all", "exit", "savepoint"}) {
    CAPTURE(way);
    Pool pool(3);
    Session holder;
    holder.must(acquire(pool));
    holder.must("BEGIN; SAVEPOINT s; " + acquire_xact(pool) + "; " + release(pool, 0));
    drop(pool);
    const std::string how = way;
    if (how == "savepoint") holder.must("ROLLBACK TO s; COMMIT");
    if (how == "release_all") holder.must("SELECT numpool_release_all(); COMMIT");
    if (how == "exit") holder.close();
    if (how == "COMMIT" || how == "ROLLBACK") holder.must(how);
    observer().must("SELECT numpool_create(" + pool.q() + ", 3)");
    CHECK(pool.free() == 3);
    if (how != "exit") CHECK(holder.number(acquire(pool)) == 0);
  }
}

TEST_CASE("memory of dropped pools is used again, while old leases are still held") {
  // Together they are far more than shared memory holds, if it were not given back.
  Session keeper;
  for (int round = 0; round < 60; round++) {
    CAPTURE(round);
    Pool pool(30000, "reused");
    Session waiter;
    REQUIRE(observer().number("SELECT count(numpool_acquire(" + pool.q() +
                              ")) FROM generate_series(1, 30000)") == 30000);
    enqueue_ticket(waiter, pool);
    if (round % 2 == 0) wait_in_queue(keeper, pool, 2);
    drop(pool);
    if (round % 2 == 0) REQUIRE(keeper.finish().sqlstate == "42704");
    observer().must("SELECT numpool_release_all()");
  }
}

TEST_CASE("drop and create the same pool again and again under acquirers") {
  Pool pool(1, "churn");
  Session definer;
  std::vector<std::unique_ptr<Session>> takers;
  for (int i = 0; i < 4; i++) takers.push_back(std::make_unique<Session>());
  int served = 0, gone = 0;
  for (int round = 0; round < 200; round++) {
    CAPTURE(round);
    definer.must("BEGIN; SELECT numpool_drop(" + pool.q() + ", true); SELECT numpool_create(" +
                 pool.q() + ", " + std::to_string(1 + round % 3) + ")");
    for (auto& taker : takers) taker->send(acquire(pool));
    definer.must("COMMIT");
    // As many waiters as fit are served, and never more; they hold their numbers until the round is
    // over.
    const int size = 1 + round % 3;
    REQUIRE(eventually([&] { return pool.in_use() == size && pool.waiting() == 4 - size; }));
    definer.must("SELECT numpool_drop(" + pool.q() + ", true); SELECT numpool_create(" + pool.q() +
                 ", 1)");
    for (auto& taker : takers) {
      const Outcome outcome = taker->finish();
      REQUIRE((outcome.ok || outcome.sqlstate == "42704"));
      (outcome.ok ? served : gone) += 1;
      taker->must("SELECT numpool_release_all()");
    }
  }
  CHECK(pool.idle_within());
  MESSAGE(served, " served, ", gone, " told that the pool is gone");
}

TEST_CASE("two pools' definitions changed in one transaction take effect together") {
  Pool a(1, "a"), b(1, "b");
  Session definer, wa, wb;
  observer().must("SELECT numpool_acquire(" + a.q() + "), numpool_acquire(" + b.q() + ")");
  wait_in_queue(wa, a, 1);
  wait_in_queue(wb, b, 1);
  definer.must("BEGIN; SELECT numpool_resize(" + a.q() + ", 2), numpool_drop(" + b.q() + ", true)");
  CHECK_FALSE(wa.done_within(30ms));
  CHECK_FALSE(wb.done_within(30ms));
  definer.must("COMMIT");
  CHECK(wa.finish().number() == 1);
  CHECK(wb.finish().sqlstate == "42704");
  observer().must("SELECT numpool_release_all()");
}
