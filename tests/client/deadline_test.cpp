// Timeouts, cancellation, and their races with a grant.

#include <random>

#include "fixture.hpp"

using numpool::lease;
using clk = std::chrono::steady_clock;

TEST_CASE_FIXTURE(fixture, "acquire_for gives up in time, and leaves the queue") {
  numpool::pool pool = client.create_or_open(id, 1);
  lease held = pool.acquire();
  const auto start = clk::now();
  CHECK_FALSE(pool.acquire_for(100ms));
  CHECK(clk::now() - start >= 100ms);
  CHECK(took_at_most(5s, start));
  CHECK(eventually([&] { return pool.status().waiting == 0; }));
  CHECK_FALSE(pool.acquire_for(0ms));
  CHECK_FALSE(pool.acquire_for(-1h));
  CHECK_FALSE(pool.acquire_until(std::chrono::system_clock::now() + 50ms));
  CHECK_FALSE(pool.acquire_until(clk::now() + 50ms));
  held.release();
  CHECK(pool.acquire_for(std::chrono::hours::max())->index() == 0);
  CHECK(pool.acquire_for(10s)->index() == 0);
  CHECK(pool.acquire_until(std::chrono::system_clock::now() + 10s)->index() == 0);
  CHECK(pool.acquire_for(0ms)->index() == 0);
}

TEST_CASE_FIXTURE(fixture, "a wait with a timeout is served when its turn comes") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<lease> held(pool.acquire());
  std::optional<lease> waited;
  threads running;
  running.start([&] { waited = pool.acquire_for(30s); });
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  held.reset();
  running.join();
  REQUIRE(waited);
  CHECK(waited->held());
}

TEST_CASE_FIXTURE(fixture, "a cancelled wait ends with an error and leaves the queue") {
  numpool::pool pool = client.create_or_open(id, 1);
  lease held = pool.acquire();
  numpool::cancellation_source source;
  CHECK_FALSE(source.token().cancelled());
  std::atomic<int> cancelled{0};
  threads running;
  running.start(4, [&](int i) {
    const auto code = kind_of([&] {
      if (i % 2 == 0) {
        (void)pool.acquire(source.token());
      } else {
        (void)pool.acquire_for(1h, source.token());
      }
    });
    if (code == numpool::error_kind::cancelled) ++cancelled;
  });
  REQUIRE(eventually([&] { return pool.status().waiting == 4; }));
  source.cancel();
  source.cancel();
  running.join();
  CHECK(cancelled == 4);
  CHECK(source.token().cancelled());
  CHECK(eventually([&] { return pool.status().waiting == 0; }));
  CHECK(kind_of([&] { (void)pool.acquire(source.token()); }) == numpool::error_kind::cancelled);
  CHECK(pool.status().in_use == 1);
}

TEST_CASE_FIXTURE(fixture,
                  "a cancelled wait in the middle of the queue does not hold up the rest") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<lease> held(pool.acquire());
  numpool::cancellation_source source;
  std::atomic<int> served{0}, cancelled{0};
  for (int i = 0; i < 30; ++i) {
    pool.acquire_async(
        [&](numpool::acquire_result result) { result.has_lease() ? ++served : ++cancelled; },
        i % 3 == 1 ? source.token() : numpool::cancellation_token());
  }
  REQUIRE(eventually([&] { return pool.status().waiting == 30; }));
  source.cancel();
  REQUIRE(eventually([&] { return cancelled == 10; }));
  held.reset();
  CHECK(eventually([&] { return served == 20; }));
}

TEST_CASE_FIXTURE(fixture, "a cancel that races with a grant loses no number") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::mt19937 random(7);
  int granted = 0, cancelled = 0;
  for (int round = 0; round < 300; ++round) {
    std::optional<lease> held(pool.acquire());
    numpool::cancellation_source source;
    auto waiting = pool.acquire_future(source.token());
    std::thread releaser([&] { held->release(); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 400));
    source.cancel();
    releaser.join();
    try {
      (void)waiting.get();
      ++granted;
    } catch (const numpool::error& why) {
      CHECK(why.kind() == numpool::error_kind::cancelled);
      ++cancelled;
    }
    // Whoever won, the number is free again for the next round.
    REQUIRE(pool.acquire_for(10s));
  }
  MESSAGE("granted " << granted << ", cancelled " << cancelled);
  CHECK(pool.status().in_use == 0);
  CHECK(pool.status().waiting == 0);
}

TEST_CASE_FIXTURE(fixture, "timeouts that race with grants lose no number") {
  numpool::pool pool = client.create_or_open(id, 2);
  std::atomic<int> owners[2] = {};
  std::atomic<int> clashes{0}, got{0}, timed_out{0};
  threads running;
  running.start(12, [&](int seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int i = 0; i < 60; ++i) {
      auto mine = pool.acquire_for(std::chrono::microseconds(random() % 3000));
      if (!mine) {
        ++timed_out;
        continue;
      }
      ++got;
      if (owners[mine->index()].fetch_add(1) != 0) ++clashes;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
      owners[mine->index()].fetch_sub(1);
    }
  });
  running.join();
  MESSAGE("got " << got << ", timed out " << timed_out);
  CHECK(clashes == 0);
  CHECK(eventually([&] {
    const auto status = pool.status();
    return status.in_use == 0 && status.waiting == 0;
  }));
}

TEST_CASE_FIXTURE(fixture, "a source that goes away cancels nothing") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<lease> held(pool.acquire());
  numpool::cancellation_token token;
  {
    numpool::cancellation_source source;
    token = source.token();
  }
  auto waiting = pool.acquire_future(token);
  held.reset();
  CHECK(waiting.get().index() == 0);
  CHECK_FALSE(token.cancelled());
  CHECK_FALSE(numpool::cancellation_token().cancelled());
}
