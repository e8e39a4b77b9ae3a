// P17: places that tokens keep in the one queue, with nobody's connection.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "server/database.h"
#include "server/tokens.h"
#include "support/client_process.h"

using namespace numpool_test;

namespace {

// The queue as kinds, in order.
std::string kinds_in(const Pool& pool) {
  return observer().text(
      "SELECT coalesce(string_agg(kind, ' ' ORDER BY \"position\"), '') FROM numpool_waiters "
      "WHERE pool = " +
      pool.q());
}

// One holds the only number; the caller sleeps on the place of a token.
struct Asleep {
  explicit Asleep(const std::string& timeout = "", const std::string& ttl = "1 h") : pool(1) {
    holder.must(try_acquire(pool));
    caller.send(lease(pool, token, ttl, timeout));
    pool.wait_for_waiters(1);
  }
  // The place is there, and whoever comes with the token gets the number.
  void place_is_kept() {
    CHECK(kinds_in(pool) == "place");
    Session next;
    CHECK(next.value(lease(pool, token)) == std::nullopt);
    holder.must(release(pool, 0));
    CHECK(next.number(lease(pool, token)) == 0);
    CHECK(next.value(release_token(token)) == "t");
  }
  Pool pool;
  Session holder, caller;
  std::string token = new_token();
};

}  // namespace

TEST_CASE("places, sleepers and tickets are served in the order in which they came") {
  Pool pool(1);
  Session holder, sleeper, late, client, other;
  const std::string first = new_token(), second = new_token();
  holder.must(try_acquire(pool));
  client.must(lease(pool, first));
  wait_in_queue(sleeper, pool, 2);
  const std::int64_t ticket = enqueue_ticket(other, pool);
  client.must(lease(pool, second));
  wait_in_queue(late, pool, 5);
  CHECK(kinds_in(pool) == "place blocking ticket place blocking");
  // Calling again changes nothing of that.
  client.must(lease(pool, first));
  client.must(lease(pool, second));
  holder.must(release(pool, 0));
  CHECK(has(pool, first));
  CHECK(client.number(lease(pool, first)) == 0);
  CHECK(client.value(release_token(first)) == "t");
  CHECK(sleeper.finish().number() == 0);
  sleeper.must(release(pool, 0));
  CHECK(poll_state(other, ticket) == "granted");
  other.must(release(pool, 0));
  CHECK(has(pool, second));
  CHECK_FALSE(late.done());
  CHECK(client.value(release_token(second)) == "t");  // the offer
  CHECK(late.finish().number() == 0);
}

TEST_CASE("places for which nobody comes are passed over") {
  Pool pool(1);
  Session holder, client, sleeper;
  holder.must(try_acquire(pool));
  std::vector<std::string> tokens;
  for (int i = 0; i < 5; ++i) tokens.push_back(new_token());
  const std::string ttl = stretched_interval(300ms);
  for (const std::string& token : tokens) client.must(lease(pool, token, ttl));
  wait_in_queue_for_now(sleeper, pool);
  SUBCASE("while they wait") {
    CHECK(pool.waiters_become(1));
    holder.must(release(pool, 0));
  }
  SUBCASE("with an offer, each for as long as its place lasts") {
    holder.must(release(pool, 0));
  }
  CHECK(sleeper.finish().number() == 0);
  CHECK(pool.in_use() == 1);
  for (const std::string& token : tokens) CHECK(client.value(renew(token)) == std::nullopt);
  sleeper.must(release(pool, 0));
}

TEST_CASE("a place lasts for as long as somebody calls or renews in time") {
  Pool pool(1);
  Session holder, client;
  const std::string called = new_token(), renewed = new_token(), left = new_token();
  holder.must(try_acquire(pool));
  for (const std::string& token : {called, renewed, left}) client.must(lease(pool, token, "2 s"));
  const auto start = Clock::now();
  while (Clock::now() - start < 4s) {
    client.must(lease(pool, called, "2 s"));
    client.must(renew(renewed));
    nap(100ms);
  }
  CHECK(pool.waiting() == 2);
  holder.must(release(pool, 0));
  CHECK(has(pool, called));
  // An offer is not prolonged.
  const auto offered = Clock::now();
  while (has(pool, called) && Clock::now() - offered < 10s) {
    client.must(renew(called));
    nap(20ms);
  }
  CHECK(Clock::now() - offered > 1500ms);
  CHECK(took_at_most(3500ms, offered));
  client.run(release_token(renewed));
}

TEST_CASE("whatever ends a call that sleeps on a place, the place is kept") {
  SUBCASE("timeout") {
    Asleep scene("300 ms");
    const Outcome outcome = scene.caller.finish();
    CHECK(outcome.rows.at(0)[0] == std::nullopt);
    CHECK(outcome.rows.at(0)[2] == "t");
    scene.place_is_kept();
  }
  SUBCASE("cancel") {
    Asleep scene;
    scene.caller.cancel();
    CHECK(scene.caller.finish().sqlstate == "57014");
    scene.place_is_kept();
  }
  SUBCASE("lock_timeout") {
    Asleep scene("1 min");
    scene.caller.cancel();
    scene.caller.finish();
    CHECK(scene.caller
              .run("SET lock_timeout = '200 ms'; " + lease(scene.pool, scene.token, "1 h", "1 min"))
              .sqlstate == "55P03");
    scene.place_is_kept();
  }
  SUBCASE("statement_timeout, in a savepoint") {
    Asleep scene("100 ms");
    scene.caller.finish();
    scene.caller.must("BEGIN; SAVEPOINT s; SET LOCAL statement_timeout = '200 ms'");
    CHECK(scene.caller.state(lease(scene.pool, scene.token, "1 h", "")) == "57014");
    scene.caller.must("ROLLBACK TO s");
    CHECK(scene.caller.value(lease(scene.pool, scene.token)) == std::nullopt);
    scene.caller.must("COMMIT");
    scene.place_is_kept();
  }
  SUBCASE("terminated") {
    Asleep scene;
    observer().must("SELECT pg_terminate_backend(" + std::to_string(scene.caller.pid()) + ")");
    CHECK(eventually([&] { return !backend_lives(scene.caller.pid()); }));
    scene.place_is_kept();
  }
  SUBCASE("severed") {
    Asleep scene;
    scene.caller.sever();
    CHECK(eventually([&] { return !backend_lives(scene.caller.pid()); }));
    scene.place_is_kept();
  }
  SUBCASE("killed") {
    Pool pool(1);
    Session holder, next;
    const std::string token = new_token();
    holder.must(try_acquire(pool));
    ClientProcess client({lease(pool, token, "1 h", "")});
    pool.wait_for_waiters(1);
    CHECK(next.state(lease(pool, token)) == "55006");
    client.kill();
    CHECK(eventually([&] { return next.state(lease(pool, token)) == ""; }));
    holder.must(release(pool, 0));
    CHECK(next.number(lease(pool, token)) == 0);
    next.must(release_token(token));
  }
}

TEST_CASE("while a call sleeps on it a place is not due, and lasts from the end of the call") {
  const std::string ttl = stretched_interval(500ms);
  SUBCASE("served late") {
    Asleep scene("1 min", ttl);
    nap(2s);
    CHECK(kinds_in(scene.pool) == "place");
    scene.holder.must(release(scene.pool, 0));
    CHECK(scene.caller.finish().number() == 0);
    scene.caller.run(release_token(scene.token));
  }
  SUBCASE("not served") {
    Asleep scene("2 s", ttl);
    CHECK(scene.caller.finish().rows.at(0)[0] == std::nullopt);
    CHECK(kinds_in(scene.pool) == "place");
    CHECK(scene.pool.waiters_become(0));
    scene.caller.run(release_token(scene.token));
  }
}

TEST_CASE("a place of which the caller dies ends like any other") {
  Asleep scene("", "500 ms");
  scene.caller.sever();
  CHECK(eventually([&] { return !backend_lives(scene.caller.pid()); }));
  CHECK(scene.pool.waiters_become(0));
  scene.holder.must(release(scene.pool, 0));
  CHECK(scene.pool.idle_within());
}

TEST_CASE("a growth serves places, too") {
  Pool pool(1);
  Session holder, client, caller;
  const std::string place = new_token(), asleep = new_token();
  holder.must(try_acquire(pool));
  client.must(lease(pool, place));
  wait_in_queue(caller, pool, 2, lease(pool, asleep, "1 h", ""));
  holder.must(call("resize", pool, "3"));
  CHECK(caller.finish().number() == 2);
  CHECK(client.number(lease(pool, place)) == 1);
  client.must(release_token(place));
  client.must(release_token(asleep));
}

TEST_CASE("1,000 places: kept, called for and served in order") {
  constexpr int kPlaces = 1000;
  Pool pool(1);
  Session holder, client;
  holder.must(try_acquire(pool));
  // All 1,000 in a statement, and with a token that tells its place.
  const std::string token_of = "('10000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid";
  const std::string call_all = "SELECT count(index) FROM generate_series(1, " +
                               std::to_string(kPlaces) + ") AS i, LATERAL numpool_lease(" +
                               pool.q() + ", '1 h', " + token_of + ", '0')";
  CHECK(client.number(call_all) == 0);
  CHECK(pool.waiting() == kPlaces);
  CHECK(client.number(call_all) == 0);
  CHECK(pool.waiting() == kPlaces);
  CHECK(client.value("SELECT bool_and(right(token::text, 12)::int = \"position\") FROM "
                     "numpool_waiters WHERE pool = " +
                     pool.q()) == "t");
  holder.must(release(pool, 0));
  for (int i = 1; i <= 20; ++i) {
    const std::string expected = client.text(
        "SELECT " + token_of + " FROM generate_series($1::int, $1::int) AS i", {std::to_string(i)});
    CHECK(owner_of(pool) == expected);
    CHECK(client.number(lease(pool, "'" + expected + "'")) == 0);
    CHECK(client.value(release_token("'" + expected + "'::uuid")) == "t");
  }
  // The rest leaves, the last first: none is offered the number twice.
  CHECK(client.number("SELECT count(*) FILTER (WHERE numpool_release(" + token_of +
                      ")) FROM generate_series(" + std::to_string(kPlaces) + ", 21, -1) AS i") ==
        kPlaces - 20);
  CHECK(pool.idle_within());
}
