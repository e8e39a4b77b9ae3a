// The inbox: several granters push, one session takes.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/wait_queue.h"
#include "region_memory.h"

using namespace numpool;
using numpool_test::RegionMemory;

namespace {

struct InboxFixture {
  Waiter& record(std::uint64_t tag) {
    Waiter& waiter = memory.make<Waiter>();
    waiter.owner_tag = tag;
    waiter.inbox = region.offset_of(&inbox);
    return waiter;
  }
  std::vector<std::uint64_t> take() {
    std::vector<std::uint64_t> tags;
    for (Offset at = inbox_take(region, inbox); at != 0; at = region.at<Waiter>(at)->inbox_next)
      tags.push_back(region.at<Waiter>(at)->owner_tag);
    return tags;
  }

  RegionMemory memory{1 << 20};
  Region region = memory.region();
  Inbox& inbox = memory.make<Inbox>();
};

using Tags = std::vector<std::uint64_t>;

// One granter with a few records of its own. It pushes each again as soon as the owner has taken
// it, so that addresses come back in the worst order for a stack that is not safe against ABA.
class Granter {
 public:
  static constexpr std::size_t kRecords = 3;

  Granter(InboxFixture& fixture, std::uint64_t tag) : region_(fixture.region) {
    for (Waiter*& waiter : records_) waiter = &fixture.record(tag);
  }

  void push_all(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::size_t at = static_cast<std::size_t>(i) % kRecords;
      while (out_[at].load(std::memory_order_acquire)) std::this_thread::yield();
      out_[at].store(true, std::memory_order_relaxed);
      records_[at]->fence = i;
      inbox_push(region_, *records_[at]);
    }
  }

  // The owner takes note of a record and gives it back. False if it is not the next in order.
  bool collect(Waiter& waiter) {
    const std::int64_t number = waiter.fence;
    out_[static_cast<std::size_t>(number) % kRecords].store(false, std::memory_order_release);
    return number == next_++;
  }
  std::int64_t collected() const { return next_; }

 private:
  Region region_;
  Waiter* records_[kRecords];
  std::atomic<bool> out_[kRecords] = {};
  std::int64_t next_ = 0;
};

}  // namespace

TEST_CASE("inbox: gives the oldest first, and each once") {
  InboxFixture fixture;
  CHECK(fixture.take().empty());
  for (std::uint64_t tag = 1; tag <= 4; ++tag) inbox_push(fixture.region, fixture.record(tag));
  CHECK(fixture.take() == Tags{1, 2, 3, 4});
  CHECK(fixture.take().empty());
}

TEST_CASE("inbox: what is pushed after a take comes with the next") {
  InboxFixture fixture;
  Waiter& waiter = fixture.record(1);
  inbox_push(fixture.region, waiter);
  CHECK(fixture.take() == Tags{1});
  inbox_push(fixture.region, fixture.record(2));
  inbox_push(fixture.region, waiter);
  CHECK(fixture.take() == Tags{2, 1});
}

TEST_CASE("inbox: four threads push records over and over while their owner takes") {
  constexpr std::size_t kThreads = 4;
  constexpr std::int64_t kPushes = 30000;
  InboxFixture fixture;
  std::vector<std::unique_ptr<Granter>> granters;
  for (std::size_t i = 0; i < kThreads; ++i)
    granters.push_back(std::make_unique<Granter>(fixture, i));
  std::vector<std::thread> threads;
  for (const auto& granter : granters)
    threads.emplace_back([&granter] { granter->push_all(kPushes); });

  bool in_order = true;
  for (std::int64_t taken = 0; taken < static_cast<std::int64_t>(kThreads) * kPushes;) {
    Offset at = inbox_take(fixture.region, fixture.inbox);
    if (at == 0) std::this_thread::yield();
    while (at != 0) {
      Waiter& waiter = *fixture.region.at<Waiter>(at);
      at = waiter.inbox_next;  // before the record goes back
      in_order = granters[waiter.owner_tag]->collect(waiter) && in_order;
      ++taken;
    }
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(in_order);
  for (const auto& granter : granters) CHECK(granter->collected() == kPushes);
  CHECK(fixture.inbox.head.load() == 0);
}
