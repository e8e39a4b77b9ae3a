// What several threads ask for at once goes out as one statement, and each is answered for itself.

#include <array>
#include <set>

#include "fixture.hpp"

using numpool::error_kind;

namespace {

/// What it takes to have many operations in the inbox of a client at once: its I/O thread waits for
/// nothing, so they are asked for faster than it sends them.
std::vector<std::future<numpool::lease>> ask_at_once(const std::vector<numpool::pool>& pools,
                                                     int times) {
  std::vector<std::future<numpool::lease>> asked;
  for (int i = 0; i < times; ++i)
    for (const numpool::pool& one : pools) asked.push_back(one.acquire_future());
  return asked;
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "one of many that fails is told why, and the others are granted") {
  const numpool::pool good = client.create_or_open(id, 400);
  const std::string odd = id + " \"{a,b}\" \\ '";
  const numpool::pool named = client.create_or_open(odd, 400);
  client.create_or_open(id + "gone", 1);
  const numpool::pool gone = client.open(id + "gone");
  client.drop(id + "gone");
  const auto alone = [&] { (void)gone.acquire(); };
  std::string expected;
  try {
    alone();
  } catch (const numpool::error& why) {
    expected = why.what();
  }
  REQUIRE_FALSE(expected.empty());
  for (int round = 0; round < 3; ++round) {
    auto asked = ask_at_once({good, named, gone}, 300);
    std::set<int> of_good, of_named;
    std::vector<numpool::lease> held;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (i % 3 == 2) {
        try {
          (void)asked[i].get();
          FAIL("granted");
        } catch (const numpool::error& why) {
          CHECK(why.kind() == error_kind::no_such_pool);
          CHECK(why.what() == expected);
        }
      } else {
        held.push_back(asked[i].get());
        CHECK((i % 3 == 0 ? of_good : of_named).insert(held.back().index()).second);
      }
    }
    CHECK(good.status().in_use == 300);
    CHECK(named.status().in_use == 300);
    held.clear();  // as many releases at once
    CHECK(good.status().in_use == 0);
    CHECK(named.status().in_use == 0);
  }
  client.drop(odd);
}

TEST_CASE_FIXTURE(fixture, "those who ask at once are served in the order in which they asked") {
  const numpool::pool pool = client.create_or_open(id, 1);
  std::optional<numpool::lease> held(pool.acquire());
  std::vector<int> order;
  std::atomic<int> done{0};
  constexpr int kMany = 300;
  for (int i = 0; i < kMany; ++i)
    pool.acquire_async([&order, &done, i](numpool::acquire_result result) {
      order.push_back(i);
      result.get().release();
      ++done;
    });
  held.reset();
  REQUIRE(eventually([&] { return done == kMany; }));
  for (int i = 0; i < kMany; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE_FIXTURE(fixture, "who gives back and asks at once does not pass who waits") {
  const numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  const numpool::pool theirs = other.open(id);
  for (int i = 0; i < 30; ++i) {
    std::optional<numpool::lease> held(pool.acquire());
    std::future<numpool::lease> waits = theirs.acquire_future();
    REQUIRE(eventually([&] { return theirs.status().waiting == 1; }));
    std::vector<std::future<numpool::lease>> again;
    // In one statement's time, and with others so that they are batches.
    again.push_back(pool.acquire_future());
    held.reset();
    again.push_back(pool.acquire_future());
    REQUIRE(comes(waits));
    CHECK(again[0].wait_for(0s) == std::future_status::timeout);
    CHECK(again[1].wait_for(0s) == std::future_status::timeout);
    waits.get().release();
    again[0].get().release();
    again[1].get().release();
  }
}

TEST_CASE_FIXTURE(fixture, "many who give up at once leave the queue") {
  const numpool::pool pool = client.create_or_open(id, 1);
  const numpool::lease held = pool.acquire();
  for (int round = 0; round < 3; ++round) {
    numpool::cancellation_source source;
    std::vector<std::future<numpool::lease>> asked;
    for (int i = 0; i < 300; ++i) asked.push_back(pool.acquire_future(source.token()));
    if (round != 1) REQUIRE(eventually([&] { return pool.status().waiting == 300; }));
    source.cancel();
    for (auto& one : asked) CHECK(kind_of([&] { (void)one.get(); }) == error_kind::cancelled);
    CHECK(eventually([&] { return pool.status().waiting == 0; }));
  }
}

TEST_CASE_FIXTURE(fixture, "a crowd of threads, and the connection is lost again and again") {
  const numpool::pool pool = client.create_or_open(id, 4);
  std::atomic<bool> stop{false};
  std::atomic<int> pairs{0}, unserved{0}, errors{0};
  threads running;
  running.start(16, [&](int) {
    while (!stop) {
      try {
        auto lease = pool.acquire_for(60s);
        lease ? ++pairs : ++unserved;
        if (lease) lease->release();
      } catch (const numpool::error& why) {
        ++errors;  // those who wait go on with the next connection, and a lost lease is released
        MESSAGE(why.what());
      }
    }
  });
  session killer;
  for (int i = 0; i < 5; ++i) {
    const int before = pairs;
    CHECK(eventually([&] { return pairs > before + 100; }));
    killer.query("SELECT pg_terminate_backend(" + std::to_string(client.backend_pid()) + ")");
  }
  stop = true;
  running.join();
  CHECK(unserved == 0);
  CHECK(errors == 0);
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
  CHECK(pool.status().waiting == 0);
}
