// P3: one fair queue, whoever leaves it and whoever comes late.
#include <doctest/doctest.h>

#include <signal.h>

#include <memory>

#include "server/calls.h"

using namespace numpool_test;

namespace {

// Waiters of one pool that has one number, in the order in which they joined.
struct Line {
  explicit Line(int length) : pool(1), holder(std::make_unique<Session>()) {
    holder->must(acquire(pool));
    for (int i = 0; i < length; i++) {
      waiters.push_back(std::make_unique<Session>());
      wait_in_queue(*waiters.back(), pool, i + 1);
    }
  }
  Session& operator[](std::size_t i) { return *waiters[i]; }

  Pool pool;
  std::unique_ptr<Session> holder;
  std::vector<std::unique_ptr<Session>> waiters;
};

}  // namespace

TEST_CASE("50 waiters of both scopes and both kinds are served in the order they joined") {
  constexpr int kWaiters = 50;
  Pool pool(1);
  Session holder;
  holder.must(acquire(pool));
  std::vector<std::unique_ptr<Session>> waiters;
  for (int i = 0; i < kWaiters; i++) {
    waiters.push_back(std::make_unique<Session>());
    Session& session = *waiters.back();
    switch (i % 4) {
      case 0:
        wait_in_queue(session, pool, i + 1);
        break;
      case 1:
        wait_in_queue(session, pool, i + 1, acquire_xact(pool, "1 hour"));
        break;
      case 2:
        enqueue_ticket(session, pool);
        break;
      case 3:
        wait_in_queue(session, pool, i + 1, acquire(pool, "1 hour"));
        break;
    }
  }
  std::vector<int> pids;
  for (const auto& waiter : waiters) pids.push_back(waiter->pid());
  CHECK(pool.queue() == pids);

  holder.must(release(pool, 0));
  std::int64_t fence = 0;
  for (int i = 0; i < kWaiters; i++) {
    CAPTURE(i);
    Session& session = *waiters[static_cast<std::size_t>(i)];
    if (i % 4 == 2) {
      REQUIRE(session.await_notifications().size() == 1);
    } else {
      REQUIRE(session.finish().number() == 0);
    }
    // A transaction lease ends with its statement here, so the next waiter may have the number
    // already.
    if (i % 4 == 1) continue;
    const auto mine = session.number(call("fence", pool, "0"));
    REQUIRE(mine.has_value());
    CHECK(*mine > fence);
    fence = *mine;
    if (i + 1 < kWaiters) CHECK_FALSE(waiters[static_cast<std::size_t>(i) + 1]->done());
    session.must(release(pool, 0));
  }
  CHECK(pool.idle_within());
}

TEST_CASE("a newcomer does not pass the queue") {
  Line line(1);
  Session newcomer;
  CHECK_FALSE(newcomer.number(try_acquire(line.pool)));
  line.holder->must(release(line.pool, 0));
  // From the release on the number is the waiter's, whether it has noticed or not (Q3).
  CHECK_FALSE(newcomer.number(try_acquire(line.pool)));
  CHECK(line[0].finish().number() == 0);
}

TEST_CASE("a waiter that leaves, at the head, in the middle or at the tail, takes no one with it") {
  enum class How { kCancel, kTerminate, kTimeout, kSever };
  for (const How how : {How::kCancel, How::kTerminate, How::kTimeout, How::kSever}) {
    for (const std::size_t leaver : {0U, 1U, 2U}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(leaver);
      Pool pool(1);
      Session holder;
      holder.must(acquire(pool));
      std::vector<std::unique_ptr<Session>> waiters;
      for (std::size_t i = 0; i < 3; i++) {
        waiters.push_back(std::make_unique<Session>());
        const bool impatient = how == How::kTimeout && i == leaver;
        wait_in_queue_for_now(*waiters[i], pool,
                              acquire(pool, impatient ? stretched_interval(300ms) : ""));
      }
      Session& gone = *waiters[leaver];
      const int pid = gone.pid();
      switch (how) {
        case How::kCancel:
          gone.cancel();
          CHECK(gone.finish().sqlstate == "57014");
          break;
        case How::kTerminate:
          observer().must("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
          CHECK(gone.finish().sqlstate == "57P01");
          break;
        case How::kTimeout: {
          const Outcome outcome = gone.finish();
          CHECK(outcome.ok);
          CHECK_FALSE(outcome.number());
          break;
        }
        case How::kSever:
          gone.sever();
          break;
      }
      CHECK(pool.waiters_become(2));
      holder.must(release(pool, 0));
      for (std::size_t i = 0; i < 3; i++) {
        if (i == leaver) continue;
        CHECK(waiters[i]->finish().number() == 0);
        waiters[i]->must(release(pool, 0));
      }
      CHECK(pool.idle_within());
    }
  }
}

TEST_CASE("a wait ends on statement_timeout, lock_timeout and its own timeout") {
  Line line(0);
  Session waiter;
  waiter.must("SET statement_timeout = '100ms'");
  CHECK(waiter.state(acquire(line.pool)) == "57014");
  waiter.must("RESET statement_timeout; SET lock_timeout = '100ms'");
  CHECK(waiter.state(acquire(line.pool)) == "55P03");
  CHECK(waiter.state(acquire_xact(line.pool, "1 hour")) == "55P03");
  waiter.must("SET lock_timeout = '10s'");
  const auto start = Clock::now();
  CHECK(waiter.run(acquire(line.pool, "100 ms")).value() == std::nullopt);
  CHECK(Clock::now() - start >= 100ms);
  CHECK(took_at_most(3s, start));
  CHECK(line.pool.queue().empty());
  // The session is as it was.
  line.holder->must(release(line.pool, 0));
  CHECK(waiter.number(acquire(line.pool)) == 0);
}

TEST_CASE("lock_timeout does not strike after the wait it belonged to") {
  Line line(0);
  Session waiter;
  waiter.must("SET lock_timeout = '150ms'");
  waiter.must("DO $$ BEGIN PERFORM numpool_acquire(" + line.pool.q() +
              "); EXCEPTION WHEN lock_not_available THEN NULL; END $$");
  CHECK(waiter.state("SELECT pg_sleep(0.4)").empty());
  CHECK(waiter
            .run("DO $$ BEGIN PERFORM numpool_acquire(" + line.pool.q() +
                 ", '50 ms'); PERFORM pg_sleep(0.4); END $$")
            .ok);
}

TEST_CASE("a cancelled wait in a savepoint leaves the transaction usable and the rest held") {
  Line line(1);
  Pool other(1, "other");
  Session session;
  session.must("BEGIN; " + acquire(other) + "; SAVEPOINT s");
  wait_in_queue(session, line.pool, 2);
  session.cancel();
  CHECK(session.finish().sqlstate == "57014");
  session.must("ROLLBACK TO s");
  CHECK(session.number(call("fence", other, "0")).has_value());
  session.must("COMMIT");
  CHECK(other.in_use() == 1);
  CHECK(line.pool.queue().size() == 1);
}

TEST_CASE("one session may wait in many pools one after another, each queue its own") {
  Pool a(1, "a"), b(1, "b");
  Session holder, both, only_b;
  holder.must("SELECT numpool_acquire(" + a.q() + "), numpool_acquire(" + b.q() + ")");
  both.send("SELECT numpool_acquire(" + a.q() + "), numpool_acquire(" + b.q() + ")");
  a.wait_for_waiters(1);
  wait_in_queue(only_b, b, 1);
  holder.must(release(a, 0));
  b.wait_for_waiters(2);
  holder.must(release(b, 0));
  CHECK(only_b.finish().number() == 0);
  CHECK_FALSE(both.done_within(50ms));
  only_b.must(release(b, 0));
  CHECK(both.finish().ok);
}
