// Callbacks and futures.

#include "fixture.hpp"

using numpool::acquire_result;
using numpool::error_kind;

TEST_CASE_FIXTURE(fixture, "callbacks come one at a time and may use the client") {
  numpool::pool pool = client.create_or_open(id, 2);
  std::atomic<int> inside{0}, clashes{0}, done{0};
  for (int i = 0; i < 20; ++i) {
    pool.acquire_async([&](acquire_result result) {
      if (inside.fetch_add(1) != 0) ++clashes;
      numpool::lease mine = result.get();
      CHECK(pool.status().in_use >= 1);
      mine.release();
      inside.fetch_sub(1);
      ++done;
    });
  }
  CHECK(eventually([&] { return done == 20; }));
  CHECK(clashes == 0);
  CHECK(kind_of([&] { pool.acquire_async(nullptr); }) == error_kind::invalid_value);
}

TEST_CASE_FIXTURE(fixture, "a callback gets the error when there is no lease") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::lease held = pool.acquire();
  numpool::cancellation_source source;
  std::promise<std::optional<error_kind>> code;
  pool.acquire_async(
      [&](acquire_result result) {
        CHECK_FALSE(result.has_lease());
        CHECK(result.error() != nullptr);
        code.set_value(kind_of([&] { (void)result.get(); }));
      },
      source.token());
  source.cancel();
  CHECK(code.get_future().get() == error_kind::cancelled);
  // Cancelled before it began.
  std::promise<void> called;
  pool.acquire_async([&](acquire_result) { called.set_value(); }, source.token());
  called.get_future().get();
}

TEST_CASE_FIXTURE(fixture, "futures carry leases and errors") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::future<numpool::lease> first = pool.acquire_future();
  std::future<numpool::lease> second = pool.acquire_future();
  {
    numpool::lease held = first.get();
    CHECK(second.wait_for(50ms) == std::future_status::timeout);
  }
  CHECK(second.get().index() == 0);
  client.drop(id);
  CHECK(kind_of([&] { (void)pool.acquire_future().get(); }) == error_kind::no_such_pool);
}

TEST_CASE_FIXTURE(fixture, "the lease of a dropped future goes back when it comes") {
  numpool::pool pool = client.create_or_open(id, 1);
  std::optional<numpool::lease> held(pool.acquire());
  { auto dropped = pool.acquire_future(); }
  REQUIRE(eventually([&] { return pool.status().waiting == 1; }));
  held.reset();
  CHECK(pool.acquire_for(10s));
}

TEST_CASE_FIXTURE(fixture, "a callback may close and destroy its own client") {
  client.create_or_open(id, 1);
  std::promise<std::optional<error_kind>> after;
  auto own = std::make_shared<numpool::client>();
  numpool::pool pool = own->open(id);
  pool.acquire_async([&, own](acquire_result result) mutable {
    numpool::lease mine = result.get();
    own->close();
    own.reset();
    after.set_value(kind_of([&] { mine.release(); }));
  });
  own.reset();
  CHECK_FALSE(after.get_future().get());  // the number is back
  CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
}
