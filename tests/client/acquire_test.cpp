// Acquiring and releasing on one client and on several.

#include <algorithm>
#include <set>

#include "fixture.hpp"

using numpool::lease;

TEST_CASE_FIXTURE(fixture, "sequential acquisition gives the lowest numbers, with growing fences") {
  numpool::pool pool = client.create_or_open(id, 3);
  CHECK(pool.name() == id);
  std::int64_t fence = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<lease> held;
    for (int i = 0; i < 3; ++i) {
      held.push_back(pool.acquire());
      CHECK(held.back().index() == i);
      CHECK(held.back().fence() > fence);
      CHECK(held.back().pool_name() == id);
      CHECK(held.back().held());
      CHECK_FALSE(held.back().lost());
      fence = held.back().fence();
    }
    CHECK(client.lease_count() == 3);
    CHECK_FALSE(pool.try_acquire());
  }
  CHECK(client.lease_count() == 0);
  CHECK(pool.status().in_use == 0);
}

TEST_CASE_FIXTURE(fixture, "an acquire blocks until a number is released") {
  numpool::pool pool = client.create_or_open(id, 1);
  lease first = pool.acquire();
  std::atomic<bool> second{false};
  threads running;
  running.start([&] {
    lease waited = pool.acquire();
    second = true;
    CHECK(waited.index() == 0);
  });
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  CHECK_FALSE(second);
  CHECK(pool.waiters().at(0).kind == "ticket");
  first.release();
  running.join();
  CHECK(second);
}

TEST_CASE_FIXTURE(fixture, "release is idempotent, and safe from several threads") {
  numpool::pool pool = client.create_or_open(id, 1);
  for (int round = 0; round < 50; ++round) {
    std::optional<lease> one(pool.acquire());
    threads running;
    running.start(4, [&](int) { one->release(); });
    running.join();
    CHECK_FALSE(one->held());
    CHECK_FALSE(one->lost());
    lease next = pool.acquire();
    one->release();
    one.reset();  // neither may touch the next holder's number
    CHECK(next.held());
    CHECK_FALSE(pool.try_acquire());
  }
}

TEST_CASE_FIXTURE(fixture, "a lease moves, and only its last owner gives it back") {
  numpool::pool pool = client.create_or_open(id, 2);
  lease a = pool.acquire();
  lease b(std::move(a));
  CHECK(a.index() == -1);
  CHECK(a.fence() == 0);
  CHECK(a.pool_name().empty());
  CHECK_FALSE(a.held());
  a.release();
  CHECK(kind_of([&] { a.on_lost([] {}); }) == numpool::error_kind::invalid_value);
  CHECK(b.held());
  lease c = pool.acquire();
  CHECK(c.index() == 1);
  c = std::move(b);  // gives 1 back
  CHECK(c.index() == 0);
  CHECK(pool.acquire().index() == 1);
}

TEST_CASE_FIXTURE(fixture, "parallel acquires share a small pool and never a number") {
  constexpr int kSize = 3;
  numpool::pool pool = client.create_or_open(id, kSize);
  std::atomic<int> owners[kSize] = {};
  std::atomic<int> clashes{0};
  threads running;
  running.start(16, [&](int) {
    for (int i = 0; i < 60; ++i) {
      lease mine = pool.acquire();
      if (owners[mine.index()].fetch_add(1) != 0) ++clashes;
      std::this_thread::yield();
      owners[mine.index()].fetch_sub(1);
    }
  });
  running.join();
  CHECK(clashes == 0);
  CHECK(pool.status().in_use == 0);
}

TEST_CASE_FIXTURE(fixture, "many threads on several clients share a pool of one") {
  client.create_or_open(id, 1);
  std::atomic<int> owners{0}, clashes{0}, turns{0};
  std::vector<std::unique_ptr<numpool::client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(std::make_unique<numpool::client>());
  threads running;
  running.start(16, [&](int i) {
    numpool::pool pool = clients[static_cast<std::size_t>(i) % clients.size()]->open(id);
    for (int round = 0; round < 25; ++round) {
      lease mine = pool.acquire();
      if (owners.fetch_add(1) != 0) ++clashes;
      ++turns;
      owners.fetch_sub(1);
      if (round % 2 == 0) mine.release();
    }
  });
  running.join();
  CHECK(clashes == 0);
  CHECK(turns == 400);
}

TEST_CASE_FIXTURE(fixture, "a whole pool is leased by as many threads, each number once") {
  numpool::pool pool = client.create_or_open(id, 64);
  std::mutex mutex;
  std::set<int> numbers;
  std::vector<lease> held;
  threads running;
  running.start(64, [&](int) {
    lease mine = pool.acquire();
    std::lock_guard<std::mutex> lock(mutex);
    numbers.insert(mine.index());
    held.push_back(std::move(mine));
  });
  running.join();
  CHECK(numbers.size() == 64);
  CHECK(*numbers.rbegin() == 63);
}

TEST_CASE_FIXTURE(fixture, "rapid acquire and release of one number") {
  numpool::pool pool = client.create_or_open(id, 1);
  for (int i = 0; i < 300; ++i) {
    lease one = pool.acquire();
    REQUIRE(one.index() == 0);
    if (i % 2 == 0) one.release();
  }
  for (int i = 0; i < 300; ++i) {
    const auto one = pool.try_acquire();
    REQUIRE(one);
    REQUIRE(one->index() == 0);
  }
}

TEST_CASE_FIXTURE(fixture, "a long queue on one connection is served in order") {
  constexpr int kWaits = 2000;
  numpool::pool pool = client.create_or_open(id, 1);
  lease first = pool.acquire();
  std::vector<std::int64_t> fences;  // of the callback thread until the last one came
  std::atomic<int> served{0};
  for (int i = 0; i < kWaits; ++i) {
    pool.acquire_async([&](numpool::acquire_result result) {
      fences.push_back(result.get().fence());  // which releases it
      ++served;
    });
  }
  REQUIRE(eventually([&] { return pool.status().waiting == kWaits; }));
  CHECK(pool.waiters().size() == kWaits);
  first.release();
  REQUIRE(eventually([&] { return served == kWaits; }, 60s));
  CHECK(std::is_sorted(fences.begin(), fences.end()));
}

TEST_CASE_FIXTURE(fixture, "thousands of threads wait on one connection") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kThreads = 400;
#else
  constexpr int kThreads = 2000;
#endif
  numpool::pool pool = client.create_or_open(id, 4);
  std::vector<lease> first;
  for (int i = 0; i < 4; ++i) first.push_back(pool.acquire());
  std::atomic<int> served{0}, clashes{0};
  std::atomic<int> holders[4] = {};
  threads running;
  running.start(kThreads, [&](int) {
    lease mine = pool.acquire();
    std::atomic<int>& here = holders[mine.index()];
    if (here.fetch_add(1) != 0) ++clashes;
    here.fetch_sub(1);
    mine.release();
    ++served;
  });
  CHECK(eventually([&] { return pool.status().waiting == kThreads; }, 30s));
  const auto begin = std::chrono::steady_clock::now();
  first.clear();
  running.join();
  CHECK(took_at_most(30s, begin));
  CHECK(served == kThreads);
  CHECK(clashes == 0);
  CHECK(client.lease_count() == 0);
  CHECK(pool.status().in_use == 0);
}

TEST_CASE_FIXTURE(fixture, "blocking and ticket waiters stand in one queue") {
  numpool::pool pool = client.create_or_open(id, 1);
  lease first = pool.acquire();
  std::mutex mutex;
  std::vector<int> order;
  const auto served = [&](int who) {
    std::lock_guard<std::mutex> lock(mutex);
    order.push_back(who);
  };
  threads running;
  for (int i = 0; i < 10; ++i) {
    running.start([&, i] {
      if (i % 2 == 0) {
        lease mine = pool.acquire();
        served(i);
      } else {
        session blocking;
        blocking.query("SELECT numpool_acquire('" + id + "')");
        served(i);
        blocking.query("SELECT numpool_release('" + id + "', 0)");
      }
    });
    REQUIRE(eventually([&] { return pool.status().waiting == i + 1; }));
  }
  const auto waiters = pool.waiters();
  REQUIRE(waiters.size() == 10);
  CHECK(waiters[0].kind == "ticket");
  CHECK(waiters[1].kind == "blocking");
  CHECK(waiters[9].position == 10);
  first.release();
  running.join();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}
