// The wait queue: joining at the tail, leaving from anywhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "core/wait_queue.h"
#include "region_memory.h"

using namespace numpool;
using numpool_test::RegionMemory;

namespace {

struct QueueFixture {
  Waiter& record(std::uint64_t tag) {
    Waiter& waiter = memory.make<Waiter>();
    waiter.owner_tag = tag;
    return waiter;
  }

  // The tags from head to tail; false in `sound` if a link, an end or the length is wrong.
  std::vector<std::uint64_t> tags() {
    std::vector<std::uint64_t> found;
    Offset previous = 0;
    for (Offset at = queue.head; at != 0; at = region.at<Waiter>(at)->next) {
      const Waiter& waiter = *region.at<Waiter>(at);
      sound = sound && waiter.prev == previous && found.size() <= queue.length;
      if (!sound) break;
      found.push_back(waiter.owner_tag);
      previous = at;
    }
    sound = sound && queue.tail == previous && queue.length == found.size();
    return found;
  }

  RegionMemory memory{1 << 20};
  Region region = memory.region();
  WaitQueue& queue = memory.make<WaitQueue>();
  bool sound = true;
};

using Tags = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("wait queue: joins at the tail") {
  QueueFixture fixture;
  CHECK(fixture.tags().empty());
  for (std::uint64_t tag = 1; tag <= 3; ++tag) {
    fixture.queue.join(fixture.region, fixture.record(tag));
    CHECK(fixture.queue.length == tag);
  }
  CHECK(fixture.tags() == Tags{1, 2, 3});
  CHECK(fixture.sound);
}

TEST_CASE("wait queue: leaves from the head, the middle and the tail") {
  const struct {
    std::size_t leaves;
    Tags remain;
  } rows[] = {{0, {2, 3}}, {1, {1, 3}}, {2, {1, 2}}};
  for (const auto& row : rows) {
    CAPTURE(row.leaves);
    QueueFixture fixture;
    std::vector<Waiter*> waiters;
    for (std::uint64_t tag = 1; tag <= 3; ++tag) {
      waiters.push_back(&fixture.record(tag));
      fixture.queue.join(fixture.region, *waiters.back());
    }
    Waiter& leaver = *waiters[row.leaves];
    fixture.queue.leave(fixture.region, leaver);
    CHECK(leaver.prev == 0);
    CHECK(leaver.next == 0);
    CHECK(fixture.tags() == row.remain);
    // A waiter that comes back is last.
    fixture.queue.join(fixture.region, leaver);
    Tags expected = row.remain;
    expected.push_back(row.leaves + 1);
    CHECK(fixture.tags() == expected);
    CHECK(fixture.sound);
  }
}

TEST_CASE("wait queue: five leave in each of the 120 orders") {
  std::vector<std::size_t> order(5);
  std::iota(order.begin(), order.end(), 0);
  do {
    QueueFixture fixture;
    std::vector<Waiter*> waiters;
    Tags expected;
    for (std::uint64_t tag = 0; tag < 5; ++tag) {
      waiters.push_back(&fixture.record(tag));
      expected.push_back(tag);
      fixture.queue.join(fixture.region, *waiters.back());
    }
    for (const std::size_t next : order) {
      fixture.queue.leave(fixture.region, *waiters[next]);
      expected.erase(std::find(expected.begin(), expected.end(), next));
      REQUIRE(fixture.tags() == expected);
      REQUIRE(fixture.sound);
    }
    CHECK(fixture.queue.head == 0);
    CHECK(fixture.queue.tail == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("wait queue: random joins and leaves against a vector") {
  QueueFixture fixture;
  std::vector<Waiter*> idle;
  std::vector<Waiter*> queued;
  for (std::uint64_t tag = 0; tag < 40; ++tag) idle.push_back(&fixture.record(tag));
  std::mt19937 random(7);
  for (int step = 0; step < 20000; ++step) {
    const bool join = queued.empty() || (!idle.empty() && random() % 2 == 0);
    std::vector<Waiter*>& from = join ? idle : queued;
    const std::size_t at = random() % from.size();
    Waiter* const waiter = from[at];
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
    if (join)
      fixture.queue.join(fixture.region, *waiter);
    else
      fixture.queue.leave(fixture.region, *waiter);
    (join ? queued : idle).push_back(waiter);
    Tags expected;
    for (const Waiter* each : queued) expected.push_back(each->owner_tag);
    if (fixture.tags() != expected || !fixture.sound) FAIL("the queue differs at step " << step);
  }
}
