// A server that refuses an enqueue for the moment, as somebody drops the pool or has locked the
// definitions and has not ended yet: who waits for a number waits for that, too.

#include "fixture.hpp"

using numpool::error_kind;

namespace {

/// A pool that somebody drops, or whose row nobody can read, until end().
struct closed_pool : fixture {
  closed_pool() : pool(client.create_or_open(id, 1)) {}

  void close(bool drop) {
    blocker.query("BEGIN");
    blocker.query(drop ? "SELECT numpool_drop('" + id + "')"
                       : "LOCK TABLE numpool_definitions IN ACCESS EXCLUSIVE MODE");
    session other;
    REQUIRE(other.try_query("SELECT * FROM numpool_enqueue('" + id + "')") == "55P03");
  }
  void end(const char* how = "ROLLBACK") { blocker.query(how); }

  numpool::pool pool;
  session blocker;
};

}  // namespace

TEST_CASE_FIXTURE(closed_pool, "every way of waiting outlasts a refusal for the moment") {
  for (const bool drop : {false, true}) {
    CAPTURE(drop);
    close(drop);
    std::atomic<int> served{0};
    threads running;
    running.start([&] { served += pool.acquire().held() ? 1 : 0; });
    running.start([&] { served += pool.acquire_for(60s).has_value() ? 1 : 0; });
    std::promise<void> called;
    pool.acquire_async([&](numpool::acquire_result result) {
      served += result.error() == nullptr && result.get().held() ? 1 : 0;
      called.set_value();
    });
    auto future = pool.acquire_future();
    std::this_thread::sleep_for(1500ms);
    CHECK(served == 0);
    CHECK(future.wait_for(0s) == std::future_status::timeout);
    end();
    CHECK(future.get().held());
    called.get_future().wait();
    running.join();
    CHECK(served == 3);
    CHECK(eventually([&] { return pool.status().in_use == 0; }));
  }
}

TEST_CASE_FIXTURE(closed_pool, "a wait that is refused for the moment keeps its limits") {
  close(true);
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(pool.acquire_for(400ms));
  CHECK(kind_of([&] { (void)pool.acquire_future({400ms}).get(); }) == error_kind::timed_out);
  numpool::cancellation_source source;
  auto cancelled = pool.acquire_future(source.token());
  CHECK(cancelled.wait_for(400ms) == std::future_status::timeout);
  source.cancel();
  CHECK(kind_of([&] { (void)cancelled.get(); }) == error_kind::cancelled);
  CHECK(std::chrono::steady_clock::now() - start >= 1200ms);
  numpool::client other;
  auto closed = other.open(id).acquire_future();
  CHECK(closed.wait_for(400ms) == std::future_status::timeout);
  other.close();
  CHECK(kind_of([&] { (void)closed.get(); }) == error_kind::client_closed);
  end();
  CHECK(pool.status().waiting == 0);
  CHECK(pool.status().in_use == 0);
}

TEST_CASE_FIXTURE(closed_pool, "a wait for a pool whose drop is committed ends with that") {
  close(true);
  auto waiting = pool.acquire_future();
  CHECK(waiting.wait_for(400ms) == std::future_status::timeout);
  end("COMMIT");
  CHECK(kind_of([&] { (void)waiting.get(); }) == error_kind::no_such_pool);
  client.create_or_open(id, 1);
}

TEST_CASE_FIXTURE(closed_pool, "a wait that is refused for the moment outlasts its connection") {
  close(true);
  auto waiting = pool.acquire_future();
  CHECK(waiting.wait_for(400ms) == std::future_status::timeout);
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(client.backend_pid()) + ", 5000)");
  CHECK(waiting.wait_for(400ms) == std::future_status::timeout);
  end();
  CHECK(waiting.get().held());
}

TEST_CASE_FIXTURE(closed_pool, "a try tells of the refusal, and does not wait for it") {
  close(true);
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = sqlstate_of([&] { CHECK_FALSE(pool.try_acquire()); });
  CHECK((outcome.empty() || outcome == "55P03"));
  CHECK(took_at_most(5s, start));
  end();
}
