// A pool in a region with what its caller brings: memory for growth, the time, fences.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "core/pool.h"
#include "region_memory.h"

namespace numpool_test {

class PoolFixture {
 public:
  explicit PoolFixture(std::uint32_t size) {
    numpool::Growth growth = reserve(size);
    numpool::pool_init(region, pool, size, growth, now);
  }

  numpool::GrantContext context() { return {now, now, fence}; }

  // Memory that the pool lacks for `size` numbers, as a resize reserves it before its commit.
  numpool::Growth reserve(std::uint32_t size) {
    numpool::Growth growth{};
    const std::uint32_t count = numpool::chunk::count_for(size);
    for (std::uint32_t page = numpool::pages_for(pool.chunk_count);
         page < numpool::pages_for(count); ++page)
      growth.pages[page] = memory.allocate_zeroed(sizeof(numpool::Offset) * numpool::kPageLinks);
    for (std::uint32_t k = pool.chunk_count; k < count; ++k)
      growth.chunks[k] = memory.allocate_zeroed(numpool::chunk::slots(k) * sizeof(numpool::Slot));
    const std::uint32_t capacity = numpool::bitmap_capacity_for(size);
    const std::uint32_t had = pool.free_memory.capacity;
    if (capacity <= numpool::Bitmap::kBitsPerWord || capacity <= had) return growth;
    growth.bitmap_capacity = capacity;
    for (std::uint32_t i = 0; i < numpool::FreeSet::kMaxSegments; ++i) {
      const std::uint32_t numbers = numpool::FreeSet::segment_capacity(capacity, i);
      const bool has_it = had > numpool::Bitmap::kBitsPerWord &&
                          numpool::FreeSet::segment_capacity(had, i) == numbers;
      if (numbers == 0 || has_it) continue;
      growth.bitmaps[i] = memory.allocate_zeroed(numpool::FreeSet::segment_bytes(numbers));
    }
    return growth;
  }

  void give_back(numpool::Growth& growth) {
    for (const numpool::Offset chunk : growth.chunks) memory.free(chunk);
    for (const numpool::Offset page : growth.pages) memory.free(page);
    for (const numpool::Offset bitmap : growth.bitmaps) memory.free(bitmap);
    growth = numpool::Growth{};
  }

  // Without the service that is to follow.
  void resize(std::uint32_t size) {
    numpool::Growth growth = reserve(size);
    numpool::pool_resize(region, pool, size, growth);
    give_back(growth);
  }

  // The same: the numbers, which ascend, are out of service, or all of them.
  void set_service(const std::vector<std::uint16_t>& out, bool drained = false,
                   bool unknown = false) {
    numpool::OutOfService next{0, static_cast<std::uint32_t>(out.size()), drained, unknown};
    if (!out.empty()) {
      next.indexes = memory.allocate_zeroed(sizeof(std::uint16_t) * out.size());
      std::copy(out.begin(), out.end(), region.at<std::uint16_t>(next.indexes));
    }
    memory.free(numpool::pool_set_service(region, pool, next));
  }

  std::uint32_t acquire(numpool::SessionId session, std::uint32_t limit = UINT32_MAX) {
    return numpool::pool_acquire(region, pool, {session, session, numpool::Scope::kSession}, limit,
                                 context());
  }

  // Takes every free index for `session`.
  void acquire_all(numpool::SessionId session) {
    while (acquire(session) != numpool::Bitmap::kNone) continue;
  }

  // Whom it woke is in `wake`.
  void release(std::uint32_t index, numpool::EndKind end = numpool::EndKind::kReleased) {
    wake.clear();
    numpool::pool_release(region, pool, index, end, context(), wake);
  }

  void configure(const numpool::PoolSettings& settings) {
    numpool::pool_configure(region, pool, settings, now, now);
  }

  // A record that is not yet in the queue.
  numpool::Waiter& waiter(numpool::SessionId session,
                          numpool::WaiterKind kind = numpool::WaiterKind::kBlocking) {
    numpool::Waiter& made = memory.make<numpool::Waiter>();
    made.session = session;
    made.owner_tag = session * 10;
    made.kind = kind;
    made.wanted = 1;
    made.serial = ++serial;
    made.inbox = region.offset_of(&inbox);
    return made;
  }

  numpool::Waiter& join(numpool::SessionId session,
                        numpool::WaiterKind kind = numpool::WaiterKind::kBlocking) {
    numpool::Waiter& made = waiter(session, kind);
    numpool::pool_join(region, pool, made, now);
    return made;
  }

  void add_histogram() {
    pool.wait_histogram = region.offset_of(&memory.make<numpool::WaitHistogram>());
  }
  const numpool::WaitHistogram& histogram() {
    return *region.at<numpool::WaitHistogram>(pool.wait_histogram);
  }

  numpool::Slot& slot(std::uint32_t index) { return pool.slot(region, index); }
  const char* check() { return numpool::check_pool(region, pool); }

  std::vector<numpool::SessionId> woken() const {
    std::vector<numpool::SessionId> sessions;
    for (const numpool::WakeList::Wakeup& entry : wake) sessions.push_back(entry.session);
    return sessions;
  }

  RegionMemory memory;
  numpool::Region region = memory.region();
  numpool::Pool& pool = memory.make<numpool::Pool>();
  numpool::Inbox& inbox = memory.make<numpool::Inbox>();
  numpool::WakeList wake;
  std::atomic<std::int64_t> fence{1};
  std::int64_t now = 1000;
  std::uint64_t serial = 0;  // of the newest record
};

}  // namespace numpool_test
