// Who works the connection: a caller alone, or the I/O thread for several. Switching between them
// loses no wake-up, no answer and no notification.

#include <sys/resource.h>

#include <array>
#include <random>

#include "fixture.hpp"

using numpool::error_kind;

namespace {

constexpr int kSize = 3;

/// One thread's random use of a pool that others use, too.
class user {
 public:
  user(numpool::pool pool, std::array<std::atomic<int>, kSize>& holders, unsigned seed)
      : pool_(std::move(pool)), holders_(holders), random_(seed) {}

  void use() {
    switch (random_() % 8) {
      case 0:
        std::this_thread::sleep_for(std::chrono::microseconds(random_() % 4000));
        break;
      case 1:
        CHECK(pool_.status().size == kSize);
        break;
      case 2:
        hold(pool_.try_acquire());
        break;
      case 3:  // the deadline may end while this thread reads
        hold(pool_.acquire_for(std::chrono::milliseconds(random_() % 3)));
        break;
      case 4:
        wait_to_be_cancelled();
        break;
      case 5: {  // the I/O thread's from the beginning
        std::future<numpool::lease> later = pool_.acquire_future();
        hold(later.get());
        break;
      }
      default:
        hold(pool_.acquire());
    }
  }

 private:
  void hold(std::optional<numpool::lease> lease) {
    if (!lease) return;
    std::atomic<int>& holder = holders_.at(static_cast<std::size_t>(lease->index()));
    CHECK(holder.fetch_add(1) == 0);
    if (random_() % 4 == 0) std::this_thread::yield();
    holder.fetch_sub(1);
    if (random_() % 2 == 0) lease->release();  // else nobody waits for the answer
  }

  void wait_to_be_cancelled() {
    numpool::cancellation_source source;
    std::thread canceller([&source, pause = random_() % 1000] {
      std::this_thread::sleep_for(std::chrono::microseconds(pause));
      source.cancel();
    });
    try {
      hold(pool_.acquire(source.token()));
    } catch (const numpool::error& why) {
      CHECK(why.kind() == error_kind::cancelled);
    }
    canceller.join();
  }

  numpool::pool pool_;
  std::array<std::atomic<int>, kSize>& holders_;
  std::minstd_rand random_;
};

/// How often a thread of this process has waited: for another one, or for the socket.
long waits_of_process() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return used.ru_nvcsw;
}

}  // namespace

TEST_CASE_FIXTURE(fixture, "the helm changes hands all the time, and nothing is lost") {
  const numpool::pool pool = client.create_or_open(id, kSize);
  std::array<std::atomic<int>, kSize> holders{};
  for (unsigned round = 0; round < 40; ++round) {
    // Alone, two, and a crowd; each round ends with a lone thread's last call.
    const int count = std::array<int, 4>{1, 2, 1, 6}.at(round % 4);
    threads running;
    running.start(count, [&](int i) {
      user one(pool, holders, 1000 * round + static_cast<unsigned>(i));
      for (int call = 0; call < 30 / count; ++call) one.use();
    });
  }
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
  CHECK(pool.status().waiting == 0);
  CHECK(client.lease_count() == 0);
}

TEST_CASE_FIXTURE(fixture, "a thread alone is not woken by another one for its answers") {
  const numpool::pool pool = client.create_or_open(id, 1);
  constexpr long kPairs = 500;
  for (int i = 0; i < 100; ++i) pool.acquire().release();
  const auto start = std::chrono::steady_clock::now();
  const long before = waits_of_process();
  for (int i = 0; i < kPairs; ++i) pool.acquire().release();
  const long waits = waits_of_process() - before;
  const auto time = std::chrono::steady_clock::now() - start;
  // Twice a pair for the socket. An I/O thread that reads would wait as often, and be waited for;
  // one that patrols waits once a millisecond.
  CHECK(waits < 3 * kPairs + time / 1ms);
}

TEST_CASE_FIXTURE(fixture, "what the server says when nobody reads is heard") {
  for (int i = 0; i < 20; ++i) {
    numpool::pool pool = client.create_or_open(id, 1);
    for (int pair = 0; pair < i; ++pair) pool.acquire().release();
    numpool::lease held = pool.acquire();
    std::promise<void> told;
    held.on_lost([&] { told.set_value(); });
    session().query("SELECT numpool_drop('" + id + "', true, true)");
    CHECK(comes(told.get_future()));
    CHECK(held.lost());
  }
}

TEST_CASE_FIXTURE(fixture, "a thread that waits alone is granted, timed out or cancelled") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  const numpool::pool waited = other.open(id);
  for (int i = 0; i < 12; ++i) {
    std::optional<numpool::lease> held(pool.acquire());
    numpool::cancellation_source source;
    std::thread meddler([&] {
      CHECK(eventually([&] { return pool.status().waiting == 1; }));
      if (i % 3 == 0) held.reset();
      if (i % 3 == 1) source.cancel();
    });
    const auto patience = i % 3 == 2 ? 200ms : 60s;
    const auto start = std::chrono::steady_clock::now();
    const auto kind = kind_of([&] {
      const auto lease = waited.try_acquire({patience, source.token()});
      CHECK(lease.has_value() == (i % 3 == 0));
    });
    CHECK(kind == (i % 3 == 1 ? std::optional(error_kind::cancelled) : std::nullopt));
    if (i % 3 == 2) CHECK(std::chrono::steady_clock::now() - start >= patience);
    CHECK(took_at_most(10s, start));
    meddler.join();
    CHECK(eventually([&] { return pool.status().waiting == 0; }));
  }
  CHECK(eventually([&] { return pool.status().in_use == 0; }));
}

TEST_CASE_FIXTURE(fixture, "a thread that waits alone, and loses the connection, waits again") {
  numpool::pool pool = client.create_or_open(id, 1);
  numpool::client other;
  const numpool::pool waited = other.open(id);
  for (int i = 0; i < 3; ++i) {
    std::optional<numpool::lease> held(pool.acquire());
    std::thread meddler([&] {
      const auto waits_with_another_pid_than = [&](int pid) {
        const auto all = pool.waiters();
        return all.size() == 1 && all[0].pid != pid;
      };
      CHECK(eventually([&] { return waits_with_another_pid_than(0); }));
      const int pid = other.backend_pid();
      session().query("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
      CHECK(eventually([&] { return waits_with_another_pid_than(pid); }));
      held.reset();
    });
    const auto start = std::chrono::steady_clock::now();
    CHECK(waited.acquire_for(60s));
    CHECK(took_at_most(20s, start));
    meddler.join();
  }
}

TEST_CASE_FIXTURE(fixture, "close ends a call that a thread alone has under way") {
  numpool::pool pool = client.create_or_open(id, 1);
  const numpool::lease held = pool.acquire();
  for (int i = 0; i < 10; ++i) {
    numpool::client other;
    const numpool::pool waited = other.open(id);
    for (int call = 0; call < i; ++call) CHECK_FALSE(waited.try_acquire());
    std::thread closer([&] {
      if (i % 2 == 0) CHECK(eventually([&] { return pool.status().waiting == 1; }));
      other.close();
    });
    CHECK(kind_of([&] { (void)waited.acquire(); }) == error_kind::client_closed);
    closer.join();
  }
  CHECK(eventually([&] { return pool.status().waiting == 0; }));
}
