// Timed leases behind PgBouncer by client_options::transaction_pooling: more clients than the
// pooler has server connections, and none of them keeps one.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include <numpool/numpool.hpp>

#include "client.hpp"
#include "outage.h"

using namespace numpool_test;
using namespace poolers_test;
using namespace std::chrono_literals;
using numpool::error_kind;
using numpool::timed_lease;
using numpool::timed_options;

namespace {

numpool::client_options through(const pooler& bouncer) {
  numpool::client_options out;
  out.conninfo = bouncer.conninfo();
  out.transaction_pooling = true;
  return out;
}

timed_options lasting(std::chrono::milliseconds ttl) {
  timed_options out;
  out.ttl = ttl;
  return out;
}

// By default PgBouncer waits 15 s before it tries a server again that was away.
pooler_setup shared_by_all(const char* mode, int size) {
  return {mode, size, {{"server_login_retry", "1"}, {"max_client_conn", "200"}}};
}

template <typename Call>
std::optional<error_kind> refusal(Call call) {
  try {
    call();
  } catch (const numpool::error& why) {
    return why.kind();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("transaction and statement pooling: timed leases, and nothing else") {
  for (const char* mode : {"transaction", "statement"}) {
    CAPTURE(mode);
    Pool named(1);
    pooler bouncer(shared_by_all(mode, 2));
    numpool::client first(through(bouncer)), second(through(bouncer));
    numpool::pool pool = first.open(named.name());
    CHECK(refusal([&] { (void)pool.acquire(); }) == error_kind::not_supported);
    CHECK(refusal([&] { (void)pool.try_acquire(); }) == error_kind::not_supported);
    CHECK(refusal([&] { (void)pool.acquire_future(); }) == error_kind::not_supported);
    CHECK(refusal([&] { pool.with_lock([] {}); }) == error_kind::not_supported);
    CHECK(named.in_use() == 0);

    timed_lease held = pool.acquire_timed(lasting(2s));
    auto waiting = second.open(named.name()).acquire_timed_future(lasting(2s));
    REQUIRE(named.waiters_become(1));
    std::this_thread::sleep_for(3s);  // longer than the time of either
    CHECK(held.held());
    CHECK(named.waiting() == 1);
    held.release();
    timed_lease next = waiting.get();
    CHECK(next.index() == 0);
    const std::string token = next.detach();
    auto adopted = first.adopt(token);
    REQUIRE(adopted);
    CHECK(adopted->renew());
    CHECK(pool.leases().at(0).token == token);
    adopted->release();
    CHECK(named.in_use() == 0);
    CHECK(first.create_or_open(named.name(), 1).resize(2) == 1);
    shows("acquire_timed() with transaction_pooling", mode, "works");
  }
}

TEST_CASE("session pooling: transaction_pooling does no harm") {
  Pool named(1);
  pooler bouncer(shared_by_all("session", 3));
  numpool::client one(through(bouncer)), other(through(bouncer));
  timed_lease held = one.open(named.name()).acquire_timed(lasting(1s));
  auto waiting = other.open(named.name()).acquire_timed_future(lasting(1s));
  REQUIRE(named.waiters_become(1));
  held.release();
  CHECK(waiting.get().held());
  shows("acquire_timed() with transaction_pooling", "session", "works");
}

TEST_CASE("transaction pooling: a session is as it was for the next client") {
  Pool named(2);
  pooler bouncer(shared_by_all("transaction", 1));
  client stranger(bouncer);
  // Custom settings, and those that a session of the library's own changes.
  const std::string changed =
      "SELECT coalesce(string_agg(name || '=' || setting, ' ' ORDER BY name), '') FROM pg_settings"
      " WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding',"
      " 'DateStyle', 'TimeZone', 'standard_conforming_strings', 'IntervalStyle')";
  const std::string before = stranger.query(changed);
  {
    numpool::client one(through(bouncer));
    numpool::pool pool = one.open(named.name());
    timed_lease held = pool.acquire_timed(lasting(10s));
    const timed_lease second = pool.acquire_timed(lasting(10s));
    CHECK_FALSE(pool.acquire_timed_for(200ms, lasting(10s)));
    held.release();
    CHECK(stranger.query(changed) == before);
    CHECK(stranger.query("SELECT current_setting('numpool_client.mark', true) IS NULL") == "t");
    CHECK(stranger.query("SELECT count(*) FROM pg_prepared_statements") == "0");
    CHECK(stranger.query("SELECT count(*) FROM pg_listening_channels()") == "0");
    CHECK(stranger.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0");
  }
  CHECK(stranger.query("SELECT count(*) FROM pg_prepared_statements") == "0");
  CHECK(named.in_use_becomes(0));  // by close() of the client
}

TEST_CASE("transaction pooling: many clients, few sessions: all get it, and renewals go on") {
  constexpr int kClients = 12;
  Pool named(2);
  pooler bouncer(shared_by_all("transaction", 2));
  std::atomic<int> losses{0}, served{0}, inside{0}, too_many{0};
  std::vector<std::unique_ptr<numpool::client>> clients;
  for (int i = 0; i < kClients; ++i) {
    numpool::client_options options = through(bouncer);
    options.on_lost = [&](const numpool::lost_lease&) { ++losses; };
    clients.push_back(std::make_unique<numpool::client>(options));
  }
  // One holds all the time, for three times its ttl and more, while the others come and go.
  timed_lease lasts = clients[0]->open(named.name()).acquire_timed(lasting(1s));
  const auto fence = lasts.fence();
  std::vector<std::thread> all;
  for (int i = 1; i < kClients; ++i) {
    all.emplace_back([&, i] {
      const numpool::pool pool = clients[static_cast<std::size_t>(i)]->open(named.name());
      timed_lease mine = pool.acquire_timed(lasting(1s));
      if (inside.fetch_add(1) != 0) ++too_many;
      std::this_thread::sleep_for(300ms);
      if (mine.held()) ++served;
      inside.fetch_sub(1);
      mine.release();
    });
  }
  CHECK(named.waiters_become(kClients - 2));
  // No call of a waiter has a session for longer than it runs.
  CHECK(observer().text("SELECT count(*) FROM numpool_waiters WHERE pool = $1 AND pid IS NOT NULL",
                        {named.name()}) == "0");
  for (auto& one : all) one.join();
  CHECK(served == kClients - 1);
  CHECK(too_many == 0);
  CHECK(losses == 0);
  CHECK(lasts.held());
  CHECK(lasts.fence() == fence);
  lasts.release();
  CHECK(named.idle_within());
}

TEST_CASE("transaction pooling: strangers keep all sessions busy for a while") {
  Pool named(1);
  pooler bouncer(shared_by_all("transaction", 1));
  std::atomic<int> losses{0};
  numpool::client_options options = through(bouncer);
  options.heartbeat_interval = 200ms;
  options.heartbeat_limit = 500ms;
  options.on_lost = [&](const numpool::lost_lease&) { ++losses; };
  numpool::client one(options);
  timed_lease held = one.open(named.name()).acquire_timed(lasting(6s));
  client stranger(bouncer);
  CHECK(stranger.query("SELECT pg_sleep(3)").empty());  // longer than interval and limit together
  CHECK(one.connected());
  CHECK(held.renew());
  CHECK(losses == 0);
  held.release();
  CHECK(named.in_use() == 0);
}

TEST_CASE("transaction pooling: the pooler is killed and comes back, the server restarts") {
  for (const bool whole_server : {false, true}) {
    CAPTURE(whole_server);
    Pool named(1);
    pooler bouncer(shared_by_all("transaction", 2));
    std::atomic<int> losses{0};
    numpool::client_options options = through(bouncer);
    options.on_lost = [&](const numpool::lost_lease&) { ++losses; };
    numpool::client one(options), other(options);
    timed_lease held = one.open(named.name()).acquire_timed(lasting(9s));
    const auto fence = held.fence();
    auto waiting = other.open(named.name()).acquire_timed_future(lasting(9s));
    REQUIRE(named.waiters_become(1));
    const auto valid_until = held.valid_until();
    if (whole_server) {
      outage restart;
      std::this_thread::sleep_for(500ms);
    } else {
      bouncer.kill();
      std::this_thread::sleep_for(500ms);
      bouncer.start();
    }
    CHECK(eventually([&] { return held.valid_until() > valid_until; }, 30s));
    CHECK(held.held());
    CHECK((whole_server ? held.fence() > fence : held.fence() == fence));
    CHECK(losses == 0);
    REQUIRE(named.waiters_become(1));
    held.release();
    CHECK(waiting.get().held());
    one.close();
    other.close();
    CHECK(named.idle_within());
  }
}

TEST_CASE("transaction pooling: a client that vanishes ends by time, its place as well") {
  Pool named(1);
  pooler bouncer(shared_by_all("transaction", 2));
  numpool::client one(through(bouncer));
  const std::string call =
      "SELECT index FROM numpool_lease('" + named.name() + "', '1 s', gen_random_uuid(), '0')";
  doomed_client holder(bouncer, {call});
  REQUIRE(named.in_use_becomes(1));
  doomed_client waiter(bouncer, {call});
  REQUIRE(named.waiters_become(1));
  holder.kill();
  waiter.kill();
  CHECK(one.open(named.name()).acquire_timed(lasting(1s)).held());
}
