// max_hold: how long a lease of a session or transaction may last.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "server/tokens.h"

using namespace numpool_test;

namespace {

struct LimitedPool : Pool {
  explicit LimitedPool(int size, const std::string& most = "300 ms") : Pool(size) { limit(most); }
  void limit(const std::string& most) { observer().must(limiting(most)); }
  // "null": none.
  std::string limiting(const std::string& most) const {
    return call("configure", *this,
                "'{\"max_hold\": " + (most == "null" ? most : "\"" + most + "\"") + "}'");
  }
  std::int64_t ended() const {
    return *observer().number("SELECT ended FROM numpool_pools WHERE pool = " + q());
  }
  std::string last_end() const {
    return observer().text("SELECT last_end FROM numpool_slots(" + q() + ") WHERE index = 0");
  }
};

}  // namespace

TEST_CASE("max_hold: the number goes to who waits, when it is over and not before") {
  LimitedPool pool(1);
  Session holder, waiter;
  const auto start = Clock::now();
  holder.must(acquire(pool));
  CHECK(observer().value("SELECT until - since FROM numpool_slots(" + pool.q() + ")") <
        "00:00:00.4");
  waiter.send(acquire(pool));
  CHECK(waiter.finish().number() == 0);
  CHECK(Clock::now() - start >= 300ms);
  CHECK(took_at_most(1s, start));
  CHECK_FALSE(holder.number(call("fence", pool, "0")));
  CHECK(holder.value(release(pool, 0)) == "f");
  // It is handed on anew, and nobody calls anything.
  CHECK(pool.idle_within());
  CHECK(took_at_most(2s, start));
  CHECK(pool.ended() == 2);
  CHECK(pool.last_end() == "max_hold");
}

TEST_CASE("max_hold: whoever's it is, and whatever his transaction does with it") {
  for (const char* how : {"COMMIT", "exit"}) {
    for (const std::string what :
         {"acquire", "acquire_xact", "release", "ticket", "token", "keep"}) {
      CAPTURE(how);
      CAPTURE(what);
      LimitedPool pool(1, "null");
      Session holder, next;
      const std::string token = new_token();
      if (what == "release" || what == "keep") holder.must(acquire(pool));
      holder.must("BEGIN");
      if (what == "acquire") holder.must(acquire(pool));
      if (what == "acquire_xact") holder.must(acquire_xact(pool));
      if (what == "release") holder.must(release(pool, 0));
      if (what == "ticket") enqueue_ticket(holder, pool);
      if (what == "token") holder.must(lease(pool, token));
      if (what == "keep") holder.must(keep(pool, 0, token));
      pool.limit("100 ms");
      REQUIRE(pool.idle_within());
      pool.limit("null");
      CHECK(next.number(try_acquire(pool)) == 0);
      const std::string gone =
          "SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(holder.pid());
      if (std::string(how) == "exit") {
        holder.close();
        CHECK(eventually([&] { return observer().number(gone) == 0; }));
      } else {
        holder.must(how);
      }
      CHECK(pool.holder() == next.pid());
      CHECK(pool.ended() == 1);
      CHECK(observer().number(renew(token)) == std::nullopt);
      next.must(release(pool, 0));
      CHECK(pool.idle_within());
    }
  }
}

TEST_CASE("max_hold: what was released in time, or is a token's by then, is left alone") {
  LimitedPool pool(3, "null");
  Session holder;
  const std::string kept = new_token(), leased = new_token();
  holder.must(acquire(pool) + "; " + acquire(pool));
  holder.must(keep(pool, 0, kept));
  holder.must(release(pool, 1));
  holder.must(lease(pool, leased));
  // Granted later, and so ended when their time would be over, too.
  Session later;
  CHECK(later.number(acquire(pool)) == 2);
  pool.limit("100 ms");
  CHECK(pool.in_use_becomes(2));
  CHECK(has(pool, kept, 0));
  CHECK(has(pool, leased, 1));
  CHECK(pool.ended() == 1);
}

TEST_CASE("max_hold: who listens is told, a ticket that nobody was told of as well") {
  LimitedPool pool(2, "null");
  Session holder, other;
  const auto ticket = enqueue_ticket(holder, pool);
  other.must(acquire(pool));
  const auto second = enqueue_ticket(holder, pool);
  holder.must("BEGIN");
  other.must(release(pool, 1));
  pool.limit("100 ms");
  REQUIRE(pool.idle_within());
  CHECK(poll_state(holder, second) == "ended");
  holder.must("ROLLBACK");
  for (int i = 0; i < 2; i++) {
    const auto told = holder.own_notification();
    REQUIRE(told);
    CHECK(told->find("\"error\":\"ended\"") != std::string::npos);
  }
  CHECK_FALSE(holder.own_notification(50ms));
  CHECK(poll_state(holder, ticket) == "gone");
}

TEST_CASE("max_hold: set, changed and reset while leases are held") {
  LimitedPool pool(2, "null");
  Session holder, waiter, other;
  holder.must(acquire(pool));
  other.must("BEGIN; " + pool.limiting("100 ms"));
  std::this_thread::sleep_for(150ms);
  other.must("ROLLBACK");
  CHECK(pool.in_use() == 1);
  SUBCASE("what has lasted longer ends at COMMIT") {
    pool.limit("100 ms");
    CHECK(pool.in_use() == 0);
  }
  SUBCASE("by hand") {
    observer().must(R"(UPDATE numpool_definitions SET settings = '{"max_hold": "100 ms"}' )"
                    "WHERE name = " +
                    pool.q());
    CHECK(pool.in_use() == 0);
  }
  SUBCASE("a longer one, a shorter one; when that is over, and nobody calls anything") {
    pool.limit("1 h");
    CHECK(pool.in_use() == 1);
    pool.limit("400 ms");
    CHECK(pool.idle_within());
  }
  SUBCASE("none again") {
    CHECK(other.number(acquire(pool)) == 1);
    pool.limit("1 s");
    pool.limit("null");
    std::this_thread::sleep_for(1s);
    CHECK(pool.holder(1) == other.pid());
  }
}

TEST_CASE("max_hold: a pool that is made with it, or becomes smaller") {
  Session holder, maker;
  const Pool pool(1);
  maker.must(call("drop", pool) + "; BEGIN; " +
             call("create", pool, R"(2, settings => '{"max_hold": "200 ms"}')"));
  SUBCASE("in the transaction that has made it") {
    maker.must(acquire(pool));
    std::this_thread::sleep_for(250ms);
    maker.must("COMMIT");
    CHECK(pool.idle_within());
  }
  SUBCASE("above its size") {
    maker.must("COMMIT");
    holder.must(acquire(pool) + "; " + acquire(pool));
    maker.must(call("resize", pool, "1"));
    CHECK(pool.idle_within());
    CHECK(observer().number("SELECT ended FROM numpool_pools WHERE pool = " + pool.q()) == 2);
  }
}

TEST_CASE("max_hold: after a bad end death_delay counts") {
  LimitedPool pool(1, "null");
  Session holder;
  holder.must(acquire(pool));
  observer().must(call("configure", pool, R"('{"death_delay": "1 h", "max_hold": "100 ms"}')"));
  CHECK(pool.in_use_becomes(0));
  CHECK(observer().number("SELECT resting FROM numpool_pools WHERE pool = " + pool.q()) == 1);
}

TEST_CASE("max_hold: many come and go, and some stay too long: each number has one holder") {
  LimitedPool pool(8, "100 ms");
  std::vector<std::thread> threads;
  std::atomic<int> late{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      Session session;
      for (int i = 0; i < 40; ++i) {
        const auto index = session.number(acquire(pool, "5 s"));
        if (!index) continue;
        const bool stays = (i + t) % 13 == 0;
        if (stays) std::this_thread::sleep_for(150ms);
        const bool had = session.value(release(pool, *index)) == "t";
        if (stays && !had) ++late;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(late > 0);
  CHECK(pool.ended() >= late);
  CHECK(pool.idle_within());
}
