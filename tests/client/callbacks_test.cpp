// What users do in callbacks that they had better not.

#include <sys/wait.h>

#include "child.hpp"
#include "fixture.hpp"

using numpool::error_kind;

namespace {

void terminate(int backend_pid) {
  session killer;
  killer.query("SELECT pg_terminate_backend(" + std::to_string(backend_pid) + ", 5000)");
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "a lease may be destroyed by its own callback") {
  numpool::pool watched = client.create_or_open(id, 2);
  numpool::client other;
  std::optional<numpool::lease> mine(other.open(id).acquire());
  std::promise<bool> told;
  mine->on_lost([&] {
    const bool lost = mine->lost();
    mine.reset();
    told.set_value(lost);
  });
  terminate(other.backend_pid());
  CHECK(told.get_future().get());
  CHECK(other.open(id).acquire().index() == 0);
  CHECK(other.lease_count() == 0);
}

TEST_CASE_FIXTURE(fixture, "a callback of a loss may acquire, close, and destroy its client") {
  client.create_or_open(id, 1);
  for (int round = 0; round < 10; ++round) {
    auto other = std::make_unique<numpool::client>();
    numpool::pool pool = other->open(id);
    numpool::lease mine = pool.acquire();
    // NB: not asked later, when the callback may be destroying it.
    const int backend_pid = other->backend_pid();
    std::promise<int> again;
    std::promise<std::optional<error_kind>> after;
    mine.on_lost([&] {
      again.set_value(pool.acquire().index());
      if (round % 2 == 0) other->close();
      other.reset();
      after.set_value(kind_of([&] { (void)pool.acquire(); }));
    });
    // Others wait meanwhile, and are ended by it.
    threads running;
    running.start(4, [&](int) {
      std::optional<error_kind> code;
      while (!code) code = kind_of([&] { (void)pool.acquire(); });
      CHECK(code == error_kind::client_closed);
    });
    REQUIRE(eventually([&] { return client.open(id).status().waiting == 4; }));
    terminate(backend_pid);
    CHECK(again.get_future().get() == 0);
    CHECK(after.get_future().get() == error_kind::client_closed);
  }
  CHECK(eventually([&] { return client.open(id).status().in_use == 0; }));
}

TEST_CASE_FIXTURE(fixture, "after close a callback is refused, not called") {
  client.create_or_open(id, 1);
  numpool::client other;
  numpool::pool pool = other.open(id);
  other.close();
  numpool::cancellation_source source;
  bool called = false;
  const auto begin = [&] {
    pool.acquire_async([&](numpool::acquire_result) { called = true; }, source.token());
  };
  CHECK(kind_of(begin) == error_kind::client_closed);
  source.cancel();
  CHECK_FALSE(called);
}

TEST_CASE_FIXTURE(fixture, "a callback that throws ends the process, and so every lease") {
  numpool::pool pool = client.create_or_open(id, 2);
  child_process victim("throw \"" + id + "\" 1 0");
  const int status = victim.wait_end();
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
}

TEST_CASE_FIXTURE(fixture, "threads that acquire, release, cancel, close and leave all at once") {
  numpool::pool watched = client.create_or_open(id, 3);
  for (int round = 0; round < 15; ++round) {
    auto other = std::make_unique<numpool::client>();
    const numpool::pool pool = other->open(id);
    std::atomic<bool> stop{false};
    threads running;
    running.start(12, [&, round](int i) {
      std::mutex mutex;
      std::vector<numpool::lease> kept;
      try {
        while (!stop) {
          numpool::cancellation_source source;
          pool.acquire_async([](numpool::acquire_result) {}, source.token());
          if (i % 3 == 0) source.cancel();
          if (auto mine = pool.acquire_for(std::chrono::microseconds(100 * (i + round)))) {
            // Both may say that the client is closed.
            std::thread releaser([&] { kind_of([&] { mine->release(); }); });
            if (i % 2 == 0) kind_of([&] { mine->release(); });
            releaser.join();
          }
          if (auto lowest = pool.try_acquire()) kept.push_back(std::move(*lowest));
          if (i % 4 == 0) kept.clear();
        }
      } catch (const numpool::error& why) {
        // What had been sent when the backend was terminated says that.
        const bool lost = round % 3 == 0 && why.kind() == error_kind::connection_lost;
        CHECK((lost || why.kind() == error_kind::client_closed));
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(3 * round));
    if (round % 3 == 0) terminate(other->backend_pid());
    other.reset();  // handles and leases live on in the threads
    stop = true;
    running.join();
    CHECK(eventually([&] {
      const auto status = watched.status();
      return status.in_use == 0 && status.waiting == 0;
    }));
  }
}
