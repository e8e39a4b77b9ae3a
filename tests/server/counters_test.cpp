// Counters for monitoring, and what the server's log tells of waits and of deaths.
#include <doctest/doctest.h>

#include <memory>

#include "server/calls.h"
#include "server/server_log.h"
#include "support/client_process.h"

using namespace numpool_test;

namespace {

std::string counter(const Pool& pool, const std::string& expression) {
  return observer().text("SELECT " + expression +
                         " FROM numpool_show_counters() WHERE pool = " + pool.q());
}

}  // namespace

TEST_CASE("counters: leases that end with a session are deaths unless it said goodbye") {
  for (const std::string way : {"close", "sever", "terminate idle", "terminate in transaction",
                                "FATAL", "release before"}) {
    CAPTURE(way);
    Pool pool(3);
    {
      Session session;
      session.must(acquire(pool));
      session.must(acquire(pool));
      if (way == "terminate in transaction") session.must("BEGIN");
      session.must(acquire_xact(pool));  // ended by its own transaction, but there
      const std::string pid = std::to_string(session.pid());
      if (way == "close") session.close();
      if (way == "sever") session.sever();
      if (way == "terminate idle" || way == "terminate in transaction")
        observer().must("SELECT pg_terminate_backend(" + pid + ")");
      if (way == "FATAL") {
        session.must("SET idle_session_timeout = 1");
      }
      if (way == "release before") {
        session.must("SELECT numpool_release_all()");
        session.sever();
      }
      REQUIRE(pool.idle_within());
    }
    const std::string deaths = way == "close" || way == "release before" ? "0"
                               : way == "terminate in transaction"       ? "3"
                                                                         : "2";
    CHECK(counter(pool, "deaths") == deaths);
    CHECK(observer().text("SELECT deaths FROM numpool_pools WHERE pool = " + pool.q()) == deaths);
  }
}

TEST_CASE("counters: a number that nobody has learnt of dies with nobody") {
  Pool pool(1);
  Session holder;
  holder.must(acquire(pool));
  Session sleeper;
  sleeper.must("BEGIN");
  enqueue_ticket(sleeper, pool);
  holder.must(release(pool, 0));  // to the ticket, which its transaction keeps from its client
  REQUIRE(pool.in_use() == 1);
  sleeper.sever();
  REQUIRE(pool.idle_within());
  CHECK(counter(pool, "deaths") == "0");
}

TEST_CASE("counters: every kind of wait is in the histogram") {
  Pool pool(1);
  Session holder, waiter;
  const auto hand_off = [&] {
    pool.wait_for_waiters(1);
    holder.must("SELECT numpool_release_all()");
  };
  const std::string counted = "(SELECT sum(c) FROM unnest(wait_counts) AS c)";
  holder.must(acquire(pool));
  SUBCASE("sleeping") {
    wait_in_queue(waiter, pool, 1);
    hand_off();
    waiter.finish();
  }
  SUBCASE("by ticket") {
    enqueue_ticket(waiter, pool);
    hand_off();
  }
  SUBCASE("for a timed lease") {
    waiter.send("SELECT * FROM numpool_lease(" + pool.q() + ", '1 min')");
    hand_off();
    waiter.finish();
  }
  SUBCASE("in a place") {
    waiter.send("SELECT * FROM numpool_lease(" + pool.q() +
                ", '1 min', gen_random_uuid(), '30 s')");
    hand_off();
    waiter.finish();
  }
  CHECK(counter(pool, "handoffs") == "1");
  CHECK(counter(pool, counted) == "1");
  CHECK(counter(pool, "wait_sum = wait_total") == "t");
}

TEST_CASE("log_waits: who waits for long is told of, with whom it waits for, and when it got it") {
  Pool pool(2, "logged");
  Session first, second, waiter, behind;
  first.must(acquire(pool));
  second.must(acquire(pool));
  const ServerLog log;
  const std::string settings = "SET deadlock_timeout = '50 ms'; SET numpool.log_waits = on";
  waiter.must(settings);
  behind.must(settings);
  wait_in_queue(waiter, pool, 1);
  const std::string place =
      "SELECT * FROM numpool_lease(" + pool.q() + ", '1 min', gen_random_uuid(), '1 min')";
  behind.send(place);
  pool.wait_for_waiters(2);
  const std::string who = "process " + std::to_string(waiter.pid());
  const std::string other = "process " + std::to_string(behind.pid());
  const std::string waits = " still waits for a number of pool \"" + pool.name() + "\" after ";
  CHECK(eventually([&] { return log.count(who + waits) == 1 && log.count(other + waits) == 1; }));
  CHECK(log.count("Position 1 in the queue. Numbers are held by processes " +
                  std::to_string(first.pid()) + ", " + std::to_string(second.pid()) + ".") == 1);
  CHECK(log.count("Position 2 in the queue.") == 1);
  first.must(release(pool, 0));
  second.must(release(pool, 1));
  CHECK(waiter.finish().number() == 0);
  CHECK(behind.finish().ok);
  const std::string got = " of pool \"" + pool.name() + "\" after ";
  CHECK(log.count(who + " got number 0" + got) == 1);
  CHECK(log.count(other + " got number 1" + got) == 1);
  // Once each.
  CHECK(log.count(who + waits) == 1);
  behind.must("SELECT numpool_release(token) FROM numpool_leases WHERE pool = " + pool.q() +
              " AND token IS NOT NULL");
}

TEST_CASE("log_waits: neither a short wait, nor one without the setting, is told of") {
  Pool pool(1, "quiet");
  Session holder, waiter;
  holder.must(acquire(pool));
  const ServerLog log;
  SUBCASE("off") {
    waiter.must("SET deadlock_timeout = '10 ms'");
  }
  SUBCASE("short") {
    waiter.must("SET numpool.log_waits = on; SET deadlock_timeout = '1 h'");
  }
  wait_in_queue(waiter, pool, 1);
  observer().must("SELECT pg_sleep(0.1)");
  holder.must(release(pool, 0));
  CHECK(waiter.finish().ok);
  CHECK(log.count(pool.name()) == 0);
}

TEST_CASE("log_deaths: a line a pool, in the server's log alone, when all is passed on") {
  Pool one(3, "one"), two(1, "two");
  Session next;
  auto dying = std::make_unique<Session>();
  dying->must("SET numpool.log_deaths = on; SET client_min_messages = debug5");
  dying->must("SELECT numpool_acquire(" + one.q() + ") FROM generate_series(1, 3)");
  dying->must(acquire(two));
  wait_in_queue(next, two, 1);
  const ServerLog log;
  const std::string who = "process " + std::to_string(dying->pid()) + " ended with ";
  observer().must("SELECT pg_terminate_backend(" + std::to_string(dying->pid()) + ")");
  CHECK(next.finish().number() == 0);
  CHECK(eventually([&] { return log.count(who) == 2; }));
  CHECK(log.count(who + "3 leases of pool \"" + one.name() + "\": it was terminated") == 1);
  CHECK(log.count(who + "1 leases of pool \"" + two.name() + "\": it was terminated") == 1);
  // The client was told of its end, and of nothing else.
  const Outcome end = dying->run("SELECT 1");
  CHECK(end.message.find("leases") == std::string::npos);
}

TEST_CASE("log_deaths: who says goodbye, and who has nothing, is not told of") {
  Pool pool(1, "calm");
  const ServerLog log;
  Session holder, idle;
  holder.must("SET numpool.log_deaths = on");
  idle.must("SET numpool.log_deaths = on; SELECT count(*) FROM numpool_leases");
  holder.must(acquire(pool));
  holder.close();
  idle.sever();
  REQUIRE(pool.idle_within());
  CHECK(eventually([&] { return !backend_lives(idle.pid()); }));
  CHECK(log.count("ended with") == 0);
}
