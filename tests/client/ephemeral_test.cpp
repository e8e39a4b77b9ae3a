// Handles of ephemeral pools: one that others have dropped is made again.

#include "fixture.hpp"

using numpool::error_kind;

namespace {

constexpr char kEphemeral[] = R"({"ephemeral": "10 min", "cooldown": "0"})";

/// Takes a number of the pool in one of the ways there are, and returns its index.
using way = std::function<int(const numpool::pool&)>;

const std::vector<std::pair<const char*, way>> kWays{
    {"acquire", [](const numpool::pool& p) { return p.acquire().index(); }},
    {"try_acquire", [](const numpool::pool& p) { return p.try_acquire().value().index(); }},
    {"acquire_for", [](const numpool::pool& p) { return p.acquire_for(10s).value().index(); }},
    {"acquire_future", [](const numpool::pool& p) { return p.acquire_future().get().index(); }},
    {"acquire_timed", [](const numpool::pool& p) { return p.acquire_timed(lasting(1h)).index(); }},
    {"try_acquire_timed",
     [](const numpool::pool& p) { return p.try_acquire_timed(lasting(1h)).value().index(); }},
    {"acquire_timed_future",
     [](const numpool::pool& p) { return p.acquire_timed_future(lasting(1h)).get().index(); }},
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "settings are of the pool that is made, and of no other") {
  session sql;
  client.create_or_open(id, 2, std::nullopt, kEphemeral);
  const std::string setting = "SELECT numpool_settings('" + id + "') ->> 'ephemeral'";
  CHECK(sql.query(setting) == "10 min");
  client.create_or_open(id, 2, std::nullopt, R"({"ephemeral": "20 min"})");
  CHECK(sql.query(setting) == "10 min");
  client.drop(id);
  client.create(id, 2, "1", R"({"ephemeral": true})");
  CHECK(sql.query(setting) == "true");
  for (const char* wrong : {R"({"ephemeral": 5})", R"({"x": 1})", "5", "{"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(client.create_or_open(id + "x", 1, std::nullopt, wrong), numpool::error);
  }
}

TEST_CASE_FIXTURE(fixture, "an ephemeral pool that was dropped is made again, as it was") {
  const numpool::pool pool = client.create_or_open(id, 3, R"({"a": 1})", kEphemeral);
  session sql;
  numpool::client other;
  for (const auto& [name, take] : kWays) {
    const std::string which = name;
    CAPTURE(which);
    REQUIRE(eventually([&] { return pool.status().in_use == 0; }));
    CHECK(other.drop(id));
    CHECK(take(pool) == 0);
    CHECK(pool.metadata() == R"({"a": 1})");
    CHECK(pool.status().size == 3);
    CHECK(sql.query("SELECT numpool_settings('" + id + "') ->> 'ephemeral'") == "10 min");
  }
}

TEST_CASE_FIXTURE(fixture, "other pools are not made again") {
  const std::vector<numpool::pool> pools{
      client.create_or_open(id, 1), client.open(id),
      client.create_or_open(id, 1, std::nullopt, R"({"cooldown": "1 s"})"),
      client.create_or_open(id, 1, std::nullopt, R"({"ephemeral": false})")};
  client.drop(id);
  for (const numpool::pool& pool : pools)
    for (const auto& [name, take] : kWays) {
      const std::string which = name;
      CAPTURE(which);
      CHECK(kind_of([&, &call = take] { (void)call(pool); }) == error_kind::no_such_pool);
    }
}

TEST_CASE_FIXTURE(fixture, "who waits while an ephemeral pool is dropped goes on waiting") {
  const numpool::pool pool = client.create_or_open(id, 1, std::nullopt, kEphemeral);
  numpool::client other;
  auto held = std::make_unique<numpool::lease>(other.open(id).acquire());
  auto future = pool.acquire_future();
  threads waiting;
  std::atomic<int> index{-1};
  waiting.start([&] {
    numpool::client mine;
    const numpool::pool same = mine.create_or_open(id, 1, std::nullopt, kEphemeral);
    index = same.acquire().index();
  });
  REQUIRE(eventually([&] { return pool.status().waiting == 2; }));
  CHECK(other.drop(id, numpool::drop_mode::force));
  CHECK(future.get().index() == 0);
  waiting.join();
  CHECK(index == 0);
}

TEST_CASE_FIXTURE(fixture, "a pool that may not be made again is told of as such") {
  client.create_or_open(id, 1, std::nullopt, kEphemeral);
  session sql;
  sql.query("CREATE ROLE unprivileged LOGIN");
  {
    numpool::client plain("user=unprivileged");
    const numpool::pool pool = plain.create_or_open(id, 1, std::nullopt, kEphemeral);
    CHECK(client.drop(id));
    CHECK(kind_of([&] { (void)pool.acquire(); }) == error_kind::not_permitted);
    CHECK(kind_of([&] { (void)pool.acquire_future().get(); }) == error_kind::not_permitted);
  }
  sql.query("DROP ROLE unprivileged");
}

TEST_CASE_FIXTURE(fixture, "a pool that a transaction is dropping is waited for, and made again") {
  const numpool::pool pool = client.create_or_open(id, 1, std::nullopt, kEphemeral);
  session dropper;
  dropper.query("BEGIN");
  dropper.query("SELECT numpool_drop('" + id + "')");
  auto future = pool.acquire_future();
  CHECK(future.wait_for(100ms) == std::future_status::timeout);
  dropper.query("COMMIT");
  REQUIRE(comes(future));
  CHECK(future.get().index() == 0);
}
