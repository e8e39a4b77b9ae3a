// numpool_wait_idle: whoever ends the last lease or wait of a pool wakes who waits for that.
#include <doctest/doctest.h>

#include "server/tokens.h"

using namespace numpool_test;

namespace {

std::string wait_idle(const Pool& pool, const std::string& timeout = "") {
  return call("wait_idle", pool, timeout.empty() ? "" : "'" + timeout + "'");
}

// Begins to wait, and sleeps.
void begin_waiting(Session& session, const std::string& statement) {
  session.send(statement);
  REQUIRE(eventually([&] {
    return observer().text("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $1",
                           {std::to_string(session.pid())}) == "Extension";
  }));
}

}  // namespace

TEST_CASE("wait_idle: at once where nobody has anything, and not at all with a timeout of 0") {
  Pool pool(2);
  Session waiter, holder;
  CHECK(waiter.value(wait_idle(pool)) == "t");
  CHECK(waiter.value(wait_idle(pool, "0")) == "t");
  holder.must(acquire(pool));
  CHECK(waiter.value(wait_idle(pool, "0")) == "f");
  CHECK(waiter.value(wait_idle(pool, "30 ms")) == "f");
  CHECK(waiter.state(wait_idle(pool, "-1 s")) == "22023");
  CHECK(waiter.state("SELECT numpool_wait_idle('no such pool')") == "42704");
  CHECK(waiter.state("SELECT numpool_wait_idle(NULL)") == "22004");
}

TEST_CASE("wait_idle: woken by the last one, however he goes") {
  for (const char* way : {"release", "exit", "rollback", "end_lease", "expiry", "cancel"}) {
    CAPTURE(way);
    Pool pool(2);
    Session waiter, second, holder;
    const std::string how = way;
    std::int64_t ticket = 0;
    if (how == "expiry") {
      holder.must(acquire(pool));
    } else if (how == "cancel") {
      observer().must("SELECT numpool_set_service(" + pool.q() +
                      ", i, false) FROM unnest('{0,1}'::int[]) AS i");
      ticket = enqueue_ticket(holder, pool);
    } else {
      holder.must((how == "rollback" ? "BEGIN; " : "") + acquire(pool));
    }
    begin_waiting(waiter, wait_idle(pool));
    begin_waiting(second, wait_idle(pool, "1 hour"));
    if (how == "release") holder.must(release(pool, 0));
    if (how == "expiry") holder.must(keep(pool, 0, new_token(), "100 ms"));
    if (how == "exit") holder.close();
    if (how == "rollback") holder.must("ROLLBACK");
    if (how == "end_lease") observer().must(end_lease(pool));
    if (how == "cancel") holder.must(cancel(ticket));
    CHECK(waiter.finish().value() == "t");
    CHECK(second.finish().value() == "t");
  }
}

TEST_CASE("wait_idle: not before the queue is empty as well") {
  Pool pool(1);
  Session waiter, holder, next;
  holder.must(acquire(pool));
  wait_in_queue(next, pool, 1);
  begin_waiting(waiter, wait_idle(pool));
  holder.must(release(pool, 0));
  CHECK(next.finish().ok);
  CHECK_FALSE(waiter.done_within(50ms));
  next.must("SELECT numpool_release_all()");
  CHECK(waiter.finish().value() == "t");
}

TEST_CASE("wait_idle: in a drained pool whoever waits in line does not count") {
  Pool pool(1);
  Session waiter, second, holder, next;
  holder.must(acquire(pool));
  wait_in_queue(next, pool, 1);
  begin_waiting(waiter, wait_idle(pool));
  observer().must(drain(pool, true));
  CHECK_FALSE(waiter.done_within(50ms));
  holder.must(release(pool, 0));
  CHECK(waiter.finish().value() == "t");
  CHECK(second.value(wait_idle(pool, "0")) == "t");
  // The drain itself may be what makes it idle.
  observer().must("SELECT numpool_set_service(" + pool.q() + ", 0, false); " + drain(pool, false));
  begin_waiting(waiter, wait_idle(pool));
  observer().must("BEGIN; " + drain(pool, true) + "; ROLLBACK; BEGIN; SAVEPOINT s; " +
                  drain(pool, true) + "; ROLLBACK TO s; COMMIT");
  CHECK_FALSE(waiter.done_within(50ms));
  observer().must(drain(pool, true));
  CHECK(waiter.finish().value() == "t");
  CHECK_FALSE(next.done_within(50ms));
  observer().must(drain(pool, false) + "; SELECT numpool_set_service(" + pool.q() + ", 0, true)");
  CHECK(next.finish().value() == "0");
  next.must("SELECT numpool_release_all()");
}

TEST_CASE("wait_idle: a pool that is dropped meanwhile, also to be made again") {
  Pool pool(1);
  Session waiter, second, holder;
  holder.must(acquire(pool));
  begin_waiting(waiter, wait_idle(pool));
  begin_waiting(second, wait_idle(pool, "1 hour"));
  observer().must("BEGIN; SELECT numpool_drop(" + pool.q() + ", true), numpool_create(" + pool.q() +
                  ", 1); COMMIT");
  CHECK(waiter.finish().sqlstate == "42704");
  CHECK(second.finish().sqlstate == "42704");
}

TEST_CASE("wait_idle: whoever has something of the pool is refused") {
  Pool pool(2);
  Session holder;
  holder.must(acquire(pool));
  CHECK(holder.state(wait_idle(pool)) == "40P01");
  holder.must("BEGIN; " + release(pool, 0));
  CHECK(holder.state(wait_idle(pool)) == "40P01");
  holder.must("ROLLBACK; " + release(pool, 0) + "; " + drain(pool, true));
  enqueue_ticket(holder, pool);
  CHECK(holder.state(wait_idle(pool, "0")) == "40P01");
  holder.must("SELECT numpool_release_all(); " + drain(pool, false));
  observer().must(acquire(pool));
  holder.must("BEGIN; " + end_lease(pool));
  CHECK(holder.state(wait_idle(pool)) == "55000");
  holder.must("ROLLBACK; BEGIN; " + drain(pool, true));
  CHECK(holder.state(wait_idle(pool)) == "55000");
  holder.must("ROLLBACK");
  observer().must("SELECT numpool_release_all()");
}

TEST_CASE("wait_idle: cancel, lock_timeout, a dead client; and a subtransaction goes on") {
  Pool pool(1);
  Session holder, waiter, severed;
  holder.must(acquire(pool));
  begin_waiting(waiter, wait_idle(pool));
  waiter.cancel();
  CHECK(waiter.finish().sqlstate == "57014");
  waiter.must("SET lock_timeout = '30 ms'");
  CHECK(waiter.state(wait_idle(pool)) == "55P03");
  CHECK(waiter.value("DO $$ BEGIN PERFORM numpool_wait_idle('" + pool.name() +
                     "'); EXCEPTION WHEN lock_not_available THEN NULL; END $$") == std::nullopt);
  waiter.must("RESET lock_timeout");
  const int pid = severed.pid();
  begin_waiting(severed, wait_idle(pool));
  severed.sever();
  CHECK(eventually([&] { return !backend_lives(pid); }));
}

TEST_CASE("wait_idle: a circle through it ends, and nobody in the queue waits for it") {
  Pool pool(1);
  Session holder, waiter, behind;
  for (Session* one : {&holder, &waiter, &behind}) one->must("SET deadlock_timeout = '50 ms'");
  holder.must(acquire(pool));
  waiter.must("BEGIN; SELECT pg_advisory_xact_lock(4713)");
  begin_waiting(waiter, wait_idle(pool));
  wait_in_queue(behind, pool, 1);
  CHECK_FALSE(behind.done_within(200ms));
  holder.send("SELECT pg_advisory_lock(4713)");
  CHECK(waiter.finish().sqlstate == "40P01");
  waiter.must("ROLLBACK");
  CHECK(holder.finish().ok);
  CHECK_FALSE(behind.done());
  holder.must(release(pool, 0));
  CHECK(behind.finish().number() == 0);
}

TEST_CASE("wait_idle: who waits for those who run is not stuck, nor is who needs what he has") {
  Pool two(2), one(1), watched(1);
  Session runs, waiter, holder, wants_two;
  for (Session* each : {&waiter, &holder, &wants_two}) each->must("SET deadlock_timeout = '30 ms'");
  runs.must(acquire(watched));
  waiter.must("BEGIN; " + acquire(two));
  holder.must(acquire(two));
  wants_two.must(acquire(one));
  begin_waiting(waiter, wait_idle(watched));
  wait_in_queue(wants_two, two, 1);
  holder.send(acquire(one));
  CHECK_FALSE(holder.done_within(200ms));
  CHECK_FALSE(wants_two.done());
  runs.must(release(watched, 0));
  CHECK(waiter.finish().value() == "t");
  waiter.must("COMMIT; SELECT numpool_release_all()");
  CHECK(wants_two.finish().ok);
  wants_two.must("SELECT numpool_release_all()");
  CHECK(holder.finish().ok);
}
