// Rest: how soon a number is given again after its release, and after a bad end; what does not
// rest.
#include <doctest/doctest.h>

#include <signal.h>

#include <memory>
#include <thread>

#include "server/tokens.h"
#include "support/client_process.h"

using namespace numpool_test;

namespace {

// A pool with settings. It is loaded before it has them, so that nothing rests on account of the
// server's start.
struct RestingPool : Pool {
  explicit RestingPool(int size, const std::string& settings) : Pool(size) {
    Session session;
    session.must(acquire(*this));
    session.must(release(*this, 0));
    configure(settings);
  }
  void configure(const std::string& settings) { observer().must(configuring(settings)); }
  std::string configuring(const std::string& settings) const {
    return call("configure", *this, "'{" + settings + "}'");
  }
  int resting() const {
    return static_cast<int>(
        *observer().number("SELECT resting FROM numpool_pools WHERE pool = " + q()));
  }
  bool resting_becomes(int count) const {
    return eventually([&] { return resting() == count; });
  }
};

const char* const kDeathDelay = R"("death_delay": "1 h")";
const char* const kCooldown = R"("cooldown": "1 h")";

}  // namespace

TEST_CASE("cooldown: a waiter gets the number when the rest is over, not before") {
  RestingPool pool(1, R"("cooldown": "300 ms")");
  Session holder, waiter, ticket;
  holder.must(acquire(pool));
  wait_in_queue(waiter, pool, 1);
  const std::int64_t number = enqueue_ticket(ticket, pool);
  const auto start = Clock::now();
  holder.must(release(pool, 0));
  CHECK(waiter.finish().number() == 0);
  CHECK(Clock::now() - start >= 300ms);
  CHECK(took_at_most(1s, start));
  waiter.must(release(pool, 0));
  CHECK(ticket.own_notification().has_value());
  CHECK(poll_state(ticket, number) == "granted");
  CHECK(Clock::now() - start >= 600ms);
}

TEST_CASE("cooldown: a fair limit of starts a second") {
  RestingPool pool(2, R"("cooldown": "100 ms")");
  Session session;
  const auto start = Clock::now();
  for (int i = 0; i < 10; ++i) session.must(release(pool, *session.number(acquire(pool))));
  // Two at once, and two more each 100 ms.
  CHECK(Clock::now() - start >= 400ms);
  CHECK(took_at_most(2s, start));
}

TEST_CASE("cooldown: an arrival finds what is due, whether the clerk has come or not") {
  RestingPool pool(1, R"("cooldown": "20 ms")");
  Session session;
  session.must(acquire(pool));
  session.must(release(pool, 0));
  std::this_thread::sleep_for(30ms);
  CHECK(session.number(try_acquire(pool)) == 0);
}

TEST_CASE("cooldown: changed while somebody waits for what rests") {
  RestingPool pool(1, kCooldown);
  Session holder, waiter, other;
  holder.must(acquire(pool));
  holder.must(release(pool, 0));
  wait_in_queue(waiter, pool, 1);
  other.must("BEGIN; " + pool.configuring(R"("cooldown": null)"));
  CHECK_FALSE(waiter.done_within(50ms));
  other.must("ROLLBACK");
  CHECK_FALSE(waiter.done_within(50ms));
  SUBCASE("none: at COMMIT") {
    pool.configure(R"("cooldown": null)");
    CHECK(waiter.finish().number() == 0);
  }
  SUBCASE("a shorter one: when that is over, and nobody calls anything") {
    pool.configure(R"("cooldown": "200 ms")");
    CHECK(waiter.finish().number() == 0);
  }
  SUBCASE("by hand") {
    observer().must("UPDATE numpool_definitions SET settings = NULL WHERE name = " + pool.q());
    CHECK(waiter.finish().number() == 0);
  }
}

TEST_CASE("cooldown: the rollback of an acquire, and of a pick-up by token") {
  RestingPool pool(2, kCooldown);
  Session session;
  session.must("BEGIN; " + acquire(pool));
  session.must("ROLLBACK");
  CHECK(pool.resting() == 1);
  session.must("BEGIN; " + lease(pool, new_token()));
  session.must("ROLLBACK");
  CHECK(pool.resting() == 2);
}

TEST_CASE("death_delay: after every bad end") {
  RestingPool pool(1, kDeathDelay);
  for (const std::string way :
       {"sever", "kill the client", "terminate idle", "terminate in transaction",
        "terminate with xact lease", "terminate in failed transaction", "time over"}) {
    CAPTURE(way);
    auto session = std::make_unique<Session>();
    const std::string terminate =
        "SELECT pg_terminate_backend(" + std::to_string(session->pid()) + ")";
    if (way == "sever") {
      session->must(acquire(pool));
      session->sever();
    } else if (way == "kill the client") {
      ClientProcess client({acquire(pool)});
      REQUIRE(pool.in_use_becomes(1));
      client.kill();
    } else if (way == "time over") {
      session->must(lease(pool, new_token(), "100 ms"));
    } else {
      if (way == "terminate idle") session->must(acquire(pool));
      if (way == "terminate in transaction") session->must("BEGIN; " + acquire(pool));
      if (way == "terminate with xact lease") session->must("BEGIN; " + acquire_xact(pool));
      if (way == "terminate in failed transaction") {
        session->must(acquire(pool));
        session->must("BEGIN");
        CHECK_FALSE(session->run("SELECT 1/0").ok);
      }
      observer().must(terminate);
    }
    CHECK(pool.resting_becomes(1));
    CHECK(pool.in_use() == 0);
    pool.configure(R"("death_delay": null)");
    CHECK(pool.free() == 1);
    pool.configure(kDeathDelay);
  }
}

TEST_CASE("death_delay: not after a good one") {
  RestingPool pool(1, kDeathDelay);
  for (const std::string way : {"release", "close", "close in transaction", "rollback", "discard",
                                "xact", "token", "error"}) {
    CAPTURE(way);
    Session session;
    if (way == "close in transaction" || way == "rollback" || way == "error") session.must("BEGIN");
    const std::string token = new_token();
    if (way == "xact")
      session.must(acquire_xact(pool));
    else if (way == "token")
      session.must(lease(pool, token));
    else
      session.must(acquire(pool));
    if (way == "release") session.must(release(pool, 0));
    if (way == "rollback") session.must("ROLLBACK");
    if (way == "discard") session.must("DISCARD ALL");
    if (way == "token") session.must(release_token(token));
    if (way == "error") CHECK_FALSE(session.run("SELECT 1/0").ok);
    if (way != "discard") session.close();
    CHECK(pool.idle_within());
    CHECK(pool.resting() == 0);
  }
}

TEST_CASE("death_delay: a number of which its holder never learnt goes on at once") {
  RestingPool pool(1, kDeathDelay);
  Session holder, told, next;
  holder.must(acquire(pool));
  Session untold;
  enqueue_ticket(untold, pool);
  untold.must("BEGIN");
  wait_in_queue(next, pool, 2);
  SUBCASE("a ticket not told") {
    holder.must(release(pool, 0));
    REQUIRE(eventually([&] { return pool.holder() == untold.pid(); }));
    untold.sever();
    CHECK(next.finish().number() == 0);
  }
  SUBCASE("one that was polled") {
    holder.must(release(pool, 0));
    untold.must(
        "SELECT * FROM numpool_poll((SELECT ticket FROM numpool_leases WHERE pid = "
        "pg_backend_pid()))");
    untold.sever();
    CHECK(pool.resting_becomes(1));
    CHECK_FALSE(next.done());
    pool.configure(R"("death_delay": null)");
    CHECK(next.finish().number() == 0);
  }
  SUBCASE("one that was told") {
    untold.must("COMMIT");
    holder.must(release(pool, 0));
    CHECK(untold.own_notification().has_value());
    untold.sever();
    CHECK(pool.resting_becomes(1));
    pool.configure(R"("death_delay": null)");
    CHECK(next.finish().number() == 0);
  }
}

TEST_CASE("an offer that nobody picks up, and a place whose token is given back, rest nobody") {
  RestingPool pool(1, kCooldown);
  Session holder, caller;
  holder.must(acquire(pool));
  const std::string token = new_token();
  caller.must(lease(pool, token, "200 ms"));  // a place
  pool.configure(R"("cooldown": null, "death_delay": "1 h")");
  holder.must(release(pool, 0));
  CHECK(pool.idle_within());
  CHECK(pool.resting() == 0);
}

TEST_CASE("a number at rest is in nobody's hands: no deadlock with oneself, no lease in the way") {
  RestingPool pool(2, kCooldown);
  Session session, other;
  session.must(acquire(pool));
  session.must(acquire(pool));
  session.must(release(pool, 0));
  wait_in_queue(session, pool, 1);
  CHECK_FALSE(session.done_within(50ms));
  pool.configure(R"("cooldown": null)");
  CHECK(session.finish().number() == 0);
  session.must("SELECT numpool_release_all()");
  pool.configure(kCooldown);
  session.must(acquire(pool));
  session.must(release(pool, 0));
  CHECK(pool.resting() == 1);
  CHECK(observer().run(call("drop", pool)).ok);
}

TEST_CASE("longest_free: numbers go round, whoever takes them") {
  RestingPool pool(4, R"("policy": "longest_free")");
  Session one, two;
  for (int i = 0; i < 12; ++i) {
    Session& session = i % 3 == 0 ? one : two;
    const std::int64_t index = *session.number(acquire(pool));
    CHECK(index == i % 4);
    session.must(release(pool, index));
  }
}
