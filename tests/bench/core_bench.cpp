// The core without a server: nanoseconds of one operation on bitmap, queue and pool.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "core/bitmap.h"
#include "core/pool.h"
#include "core/timed_lease.h"
#include "core/wait_queue.h"

namespace {

using namespace numpool;

// A region whose offsets are those of one block of memory, handed out and never given back.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : bytes_(bytes), used_(64) {}
  Region region() { return Region(bytes_.data()); }
  Offset allocate(std::size_t bytes) {
    const Offset offset = used_;
    used_ += (bytes + 63) / 64 * 64;
    if (used_ > bytes_.size()) std::abort();
    return offset;
  }

 private:
  std::vector<char> bytes_;
  Offset used_;
};

class TestPool {
 public:
  explicit TestPool(std::uint32_t size) : memory_(std::size_t{16} << 20) {
    Growth growth{};
    for (std::uint32_t k = 0; k < chunk::count_for(size); ++k)
      growth.chunks[k] = memory_.allocate(sizeof(Slot) * chunk::slots(k));
    for (std::uint32_t page = 0; page < pages_for(chunk::count_for(size)); ++page)
      growth.pages[page] = memory_.allocate(sizeof(Offset) * kPageLinks);
    growth.bitmap_capacity = bitmap_capacity_for(size);
    for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i)
      growth.bitmaps[i] = memory_.allocate(
          FreeSet::segment_bytes(FreeSet::segment_capacity(growth.bitmap_capacity, i)));
    pool_init(region(), pool, size, growth, 0);
  }
  Region region() { return memory_.region(); }
  std::uint32_t acquire() {
    return pool_acquire(region(), pool, {1, 1, Scope::kSession}, kMaxPoolSize, context());
  }
  void release(std::uint32_t index) {
    pool_release(region(), pool, index, EndKind::kReleased, context(), wake_);
    wake_.clear();
  }
  // What an arrival does first, where numbers rest.
  void end_due() {
    if (pool.resting == 0 || pool_next_due(region(), pool) > now) return;
    pool_end_due(region(), pool, context(), wake_);
    wake_.clear();
  }
  // Queued at the tail.
  Waiter& join() {
    Waiter& waiter = *region().at<Waiter>(memory_.allocate(sizeof(Waiter)));
    join(waiter);
    return waiter;
  }
  void join(Waiter& waiter) {
    waiter.session = 1;
    waiter.kind = WaiterKind::kBlocking;
    waiter.wanted = 1;
    waiter.state.store(WaiterState::kIdle, std::memory_order_relaxed);
    pool_join(region(), pool, waiter, 0);
  }

  Pool pool{};
  std::int64_t now = 0;

 private:
  GrantContext context() { return {now, now, fence_}; }
  Memory memory_;
  std::atomic<std::int64_t> fence_{1};
  WakeList wake_;
};

// The last member of a set of that capacity, found, taken out and put back.
void bitmap_last_member(benchmark::State& state) {
  const auto capacity = static_cast<std::uint32_t>(state.range(0));
  std::vector<std::uint64_t> words(Bitmap::words_needed(capacity));
  Bitmap bitmap(words.data(), capacity);
  bitmap.insert(capacity - 1);
  for (auto _ : state) {
    const std::uint32_t member = bitmap.first();
    bitmap.erase(member);
    bitmap.insert(member);
    benchmark::DoNotOptimize(words.data());
  }
}
BENCHMARK(bitmap_last_member)->RangeMultiplier(16)->Range(1, 65536);

// Acquire and release of the last free number of a pool of that size.
void pool_pair_nearly_full(benchmark::State& state) {
  const auto size = static_cast<std::uint32_t>(state.range(0));
  TestPool test(size);
  for (std::uint32_t i = 1; i < size; ++i) test.acquire();
  for (auto _ : state) test.release(test.acquire());
}
BENCHMARK(pool_pair_nearly_full)->RangeMultiplier(16)->Range(1, 65536);

// The same with a cooldown and the number that has been free longest: so many rest all the time,
// and with each pair one more does, and one no more.
void pool_pair_resting(benchmark::State& state) {
  TestPool test(kMaxPoolSize);
  PoolSettings settings;
  settings.policy = Policy::kLongestFree;
  settings.cooldown = state.range(0);
  pool_configure(test.region(), test.pool, settings, 0, 0);
  const auto pair = [&test] {
    ++test.now;
    test.end_due();
    test.release(test.acquire());
  };
  for (std::int64_t i = 0; i < 2 * state.range(0); ++i) pair();
  for (auto _ : state) pair();
  if (test.pool.resting != state.range(0)) state.SkipWithError("not so many rest");
}
BENCHMARK(pool_pair_resting)->Arg(30000);

// A release that hands over to the head of a queue of that length, and the head's joining its tail.
void pool_hand_off(benchmark::State& state) {
  TestPool test(1);
  test.acquire();
  std::vector<Waiter*> waiters;
  for (std::int64_t i = 0; i < state.range(0); ++i) waiters.push_back(&test.join());
  std::size_t head = 0;
  for (auto _ : state) {
    test.release(0);
    test.join(*waiters[head]);
    head = head + 1 == waiters.size() ? 0 : head + 1;
  }
}
BENCHMARK(pool_hand_off)->RangeMultiplier(10)->Range(1, 100000);

// Joining a queue of that length and leaving it, from its middle.
void pool_leave_and_join(benchmark::State& state) {
  TestPool test(1);
  test.acquire();
  std::vector<Waiter*> waiters;
  for (std::int64_t i = 0; i < state.range(0); ++i) waiters.push_back(&test.join());
  std::size_t at = waiters.size() / 2;
  for (auto _ : state) {
    pool_leave(test.region(), test.pool, *waiters[at], Leave::kCancel);
    test.join(*waiters[at]);
    at = at + 1 == waiters.size() ? 0 : at + 1;
  }
}
BENCHMARK(pool_leave_and_join)->RangeMultiplier(10)->Range(1, 100000);

}  // namespace

BENCHMARK_MAIN();
