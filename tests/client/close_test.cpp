// close(), destructors, and use after them.

#include "fixture.hpp"

using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "close gives back every lease before it returns") {
  numpool::pool watched = client.create_or_open(id, 10);
  numpool::client other;
  numpool::pool pool = other.open(id);
  std::vector<numpool::lease> held;
  for (int i = 0; i < 10; ++i) held.push_back(pool.acquire());
  CHECK(other.lease_count() == 10);
  other.close();
  other.close();
  CHECK(watched.status().in_use == 0);
  CHECK(other.lease_count() == 0);
  CHECK_FALSE(other.connected());
  for (numpool::lease& one : held) {
    CHECK_FALSE(one.held());
    CHECK_FALSE(one.lost());
    CHECK_FALSE(kind_of([&] { one.release(); }));  // it is back
    CHECK_FALSE(one.held());
  }
}

TEST_CASE_FIXTURE(fixture, "everything after close is a clear error") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  numpool::pool closed = other.open(id);
  other.close();
  numpool::lease held = pool.acquire();
  const std::vector<std::function<void()>> calls = {[&] { (void)closed.acquire(); },
                                                    [&] { (void)closed.try_acquire(); },
                                                    [&] { (void)closed.acquire_for(1s); },
                                                    [&] { (void)closed.acquire_future().get(); },
                                                    [&] { (void)closed.status(); },
                                                    [&] { (void)closed.metadata(); },
                                                    [&] { closed.with_lock([] {}); },
                                                    [&] { other.setup(); },
                                                    [&] { (void)other.open(id); },
                                                    [&] { other.create_or_open(id, 1); },
                                                    [&] { (void)other.list(); }};
  for (const auto& call : calls) CHECK(kind_of(call) == error_kind::client_closed);
  numpool::client moved(std::move(other));
  CHECK(kind_of([&] { (void)other.list(); }) ==
        error_kind::client_closed);  // NOLINT(bugprone-use-after-move)
  CHECK_FALSE(other.connected());
}

TEST_CASE_FIXTURE(fixture, "close ends waiting calls of every kind") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  numpool::client other;
  numpool::pool waited = other.open(id);
  std::atomic<int> ended{0};
  const auto count = [&](const std::function<void()>& call) {
    if (kind_of(call) == error_kind::client_closed) ++ended;
  };
  threads running;
  for (int i = 0; i < 10; ++i) {
    running.start([&] { count([&] { (void)waited.acquire(); }); });
    running.start([&] { count([&] { (void)waited.acquire_for(1h); }); });
  }
  auto future = waited.acquire_future();
  waited.acquire_async([&](numpool::acquire_result result) { count([&] { (void)result.get(); }); });
  REQUIRE(eventually([&] { return pool.status().waiting == 22; }));
  other.close();
  count([&] { (void)future.get(); });
  running.join();
  CHECK(ended == 22);  // the callback, too, has run when close() returns
  CHECK(pool.status().waiting == 0);
}

TEST_CASE_FIXTURE(fixture, "closing while many threads acquire neither crashes nor leaks") {
  numpool::pool pool = client.create_or_open(id, 3);
  for (int round = 0; round < 10; ++round) {
    numpool::client other;
    numpool::pool busy = other.open(id);
    threads running;
    running.start(8, [&](int i) {
      try {
        while (true) {
          numpool::lease mine = busy.acquire();
          if (i % 2 == 0) mine.release();
          (void)busy.acquire_for(1ms);
        }
      } catch (const numpool::error& why) {
        CHECK(why.kind() == error_kind::client_closed);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * round));
    threads closing;
    closing.start(3, [&](int) { other.close(); });
    closing.join();
    running.join();
    CHECK(eventually([&] { return pool.status().in_use == 0 && pool.status().waiting == 0; }));
  }
}

TEST_CASE_FIXTURE(fixture, "leases, pools and callbacks may outlive the client") {
  client.create_or_open(id, 2);
  std::optional<numpool::lease> held;
  std::optional<numpool::pool> pool;
  {
    numpool::client other;
    pool = other.open(id);
    held.emplace(pool->acquire());
    held->on_lost([] { FAIL("closing is no loss"); });
    numpool::client assigned;
    assigned = std::move(other);
  }
  CHECK_FALSE(held->held());
  held.reset();
  CHECK(kind_of([&] { (void)pool->acquire(); }) == error_kind::client_closed);
  CHECK(client.open(id).status().in_use == 0);
}

TEST_CASE("a client that cannot connect says why") {
  numpool::client_options options;
  options.conninfo = "host=/nonexistent";
  const auto connect = [&] { numpool::client failed(options); };
  CHECK(kind_of(connect) == error_kind::cannot_connect);
  options.conninfo = "nonsense";
  CHECK(kind_of(connect) == error_kind::invalid_value);
  options.conninfo = "dbname=no_such_database";
  CHECK(kind_of(connect) == error_kind::cannot_connect);
  options.conninfo = "";
  options.connect_timeout = 0ms;
  CHECK(kind_of(connect) == error_kind::invalid_value);
}

TEST_CASE("an error carries all that the server said") {
  numpool::client client;
  client.setup();
  try {
    client.create_or_open("x", 0);
    FAIL("no error");
  } catch (const numpool::error& why) {
    CHECK(std::string(why.what()).size() > 10);
    CHECK(why.kind() == error_kind::invalid_value);
    const numpool::error copy = why;
    CHECK(copy.detail() == why.detail());
    CHECK(copy.hint() == why.hint());
  }
  CHECK(std::string(numpool::version()) == "1.0.0");
  CHECK(NUMPOOL_VERSION == 10000);
}
