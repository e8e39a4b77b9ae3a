// Sessions as threads: the pool's lock is a mutex, a latch is a condition variable, and each thread
// does what a backend does. What only concurrency can show: that nothing outside the lock races
// with the core (run it under ThreadSanitizer), and that whoever is granted is woken.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "pool_fixture.h"

using namespace numpool;
using numpool_test::PoolFixture;

namespace {

class Latch {
 public:
  void set() {
    const std::lock_guard<std::mutex> guard(mutex_);
    set_ = true;
    changed_.notify_one();
  }
  // False if nobody sets it for so long that nobody will.
  bool wait(std::chrono::microseconds at_most, bool timer) {
    std::unique_lock<std::mutex> guard(mutex_);
    const bool woken = changed_.wait_for(guard, timer ? at_most : std::chrono::seconds(30),
                                         [this] { return set_; });
    set_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

struct Shared {
  Shared(std::uint32_t size, std::uint32_t sessions) : fixture(size), latches(sessions + 1) {
    for (std::uint32_t i = 0; i <= sessions; ++i) records.push_back(&fixture.waiter(i));
    holders = std::make_unique<std::atomic<SessionId>[]>(size);
  }

  PoolFixture fixture;
  std::mutex lock;
  std::vector<Latch> latches;    // by session
  std::vector<Waiter*> records;  // by session
  std::unique_ptr<std::atomic<SessionId>[]>
      holders;  // by index: whose it is, as the holders see it
  std::atomic<std::uint64_t> two_holders{0};
  std::atomic<std::uint64_t> lost_wakes{0};
  std::atomic<std::uint64_t> grants{0};
  std::atomic<std::uint64_t> withdrawals{0};
};

class Worker {
 public:
  Worker(Shared& shared, SessionId id) : shared_(shared), id_(id), random_(id) {}

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const std::uint32_t index = acquire();
      if (index == Bitmap::kNone) continue;
      ++shared_.grants;
      if (shared_.holders[index].exchange(id_) != 0) ++shared_.two_holders;
      if (random_() % 4 == 0) std::this_thread::yield();
      shared_.holders[index].store(0);
      release(index);
    }
  }

 private:
  std::uint32_t acquire() {
    Waiter& record = *shared_.records[id_];
    {
      const std::lock_guard<std::mutex> guard(shared_.lock);
      const std::uint32_t index = shared_.fixture.acquire(id_);
      if (index != Bitmap::kNone) return index;
      pool_join(shared_.fixture.region, shared_.fixture.pool, record, 0);
    }
    const bool timer = random_() % 3 == 0;
    // The state is read without the lock, since a latch may have been set by an older grant.
    while (record.state.load(std::memory_order_acquire) == WaiterState::kQueued) {
      if (shared_.latches[id_].wait(std::chrono::microseconds(random_() % 200), timer)) continue;
      if (!timer) ++shared_.lost_wakes;
      return withdraw(record);
    }
    const std::uint32_t index = record.index;
    record.state.store(WaiterState::kIdle, std::memory_order_relaxed);
    return index;
  }

  // Leaves the queue; if a grant was faster, passes it on.
  std::uint32_t withdraw(Waiter& record) {
    bool left;
    {
      const std::lock_guard<std::mutex> guard(shared_.lock);
      left = pool_leave(shared_.fixture.region, shared_.fixture.pool, record, Leave::kTimeout);
    }
    if (left) {
      ++shared_.withdrawals;
    } else {
      const std::uint32_t index = record.index;
      record.state.store(WaiterState::kIdle, std::memory_order_relaxed);
      release(index);
    }
    return Bitmap::kNone;
  }

  void release(std::uint32_t index) {
    WakeList wake;
    {
      const std::lock_guard<std::mutex> guard(shared_.lock);
      pool_release(shared_.fixture.region, shared_.fixture.pool, index, EndKind::kReleased,
                   shared_.fixture.context(), wake);
    }
    for (const WakeList::Wakeup& entry : wake) shared_.latches[entry.session].set();
  }

  Shared& shared_;
  SessionId id_;
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("pool: eight threads on three numbers, with time-outs that race with grants") {
  constexpr std::uint32_t kSize = 3;
  constexpr std::uint32_t kThreads = 8;
  constexpr int kRounds = 4000;
  Shared shared(kSize, kThreads);
  std::vector<std::thread> threads;
  for (SessionId id = 1; id <= kThreads; ++id)
    threads.emplace_back([&shared, id] { Worker(shared, id).run(kRounds); });
  for (std::thread& thread : threads) thread.join();

  CHECK(shared.two_holders == 0);
  CHECK(shared.lost_wakes == 0);
  CHECK(shared.grants > 0);
  CHECK(shared.withdrawals > 0);
  CHECK(shared.fixture.pool.free == kSize);
  CHECK(shared.fixture.pool.queue.length == 0);
  CHECK(shared.fixture.check() == nullptr);
  CHECK(shared.fixture.pool.counters.timeouts == shared.withdrawals);
}
