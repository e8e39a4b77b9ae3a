// Timers: random insertions and removals against a list that is sorted, and how deep a heap can
// get.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "core/timer_heap.h"
#include "region_memory.h"

using namespace numpool;
using numpool_test::RegionMemory;

namespace {

class Timers {
 public:
  TimerNode& insert(std::int64_t due) {
    TimerNode& node = memory_.make<TimerNode>();
    heap().insert(node, due);
    nodes_.push_back(&node);
    expected_.emplace(due, memory_.region().offset_of(&node));
    return node;
  }

  void remove(std::size_t at) {
    TimerNode& node = *nodes_[at];
    expected_.erase({node.due, memory_.region().offset_of(&node)});
    heap().remove(node);
    removed_is_clear = removed_is_clear && !node.is_set() && node.left == 0 && node.right == 0 &&
                       node.parent == 0 && node.due == 0;
    nodes_[at] = nodes_.back();
    nodes_.pop_back();
    memory_.destroy(node);
  }

  std::size_t first() {
    const TimerNode* node = &heap().first();
    for (std::size_t at = 0; at < nodes_.size(); ++at)
      if (nodes_[at] == node) return at;
    return nodes_.size();
  }

  // nullptr, or what differs from the list.
  const char* check() {
    std::uint32_t count = 0;
    if (const char* wrong = check_timer_heap(memory_.region(), root_, &count)) return wrong;
    if (count != expected_.size()) return "the heap has lost or doubled a node";
    if (heap().empty() != expected_.empty()) return "the heap is empty, or the list is";
    if (expected_.empty()) return nullptr;
    if (heap().first().due != expected_.begin()->first) return "another is due first";
    // 2^rank - 1 nodes at least are below a node of that rank, so a merge takes few steps.
    if ((std::uint64_t{1} << heap().first().rank) - 1 > count) return "a rank is too large";
    return nullptr;
  }

  std::size_t count() const { return nodes_.size(); }
  TimerNode& node(std::size_t at) { return *nodes_[at]; }
  TimerHeap heap() { return TimerHeap(memory_.region(), root_); }

  bool removed_is_clear = true;

 private:
  RegionMemory memory_;
  Offset root_ = 0;
  std::vector<TimerNode*> nodes_;
  std::set<std::pair<std::int64_t, Offset>> expected_;
};

}  // namespace

TEST_CASE("timers: none, one, and the same again") {
  Timers timers;
  CHECK(timers.heap().empty());
  CHECK(timers.check() == nullptr);
  TimerNode& node = timers.insert(7);
  CHECK(node.is_set());
  CHECK(timers.check() == nullptr);
  timers.remove(0);
  CHECK(timers.heap().empty());
  CHECK(timers.check() == nullptr);
  CHECK(timers.removed_is_clear);
}

TEST_CASE("timers: they come up in the order of their time") {
  Timers timers;
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) timers.insert(static_cast<std::int64_t>(random() % 300));
  std::int64_t last = INT64_MIN;
  bool in_order = true;
  while (timers.count() != 0) {
    const std::int64_t due = timers.heap().first().due;
    in_order = in_order && due >= last;
    last = due;
    timers.remove(timers.first());
  }
  CHECK(in_order);
}

TEST_CASE("timers: random insertions and removals against a sorted list") {
  std::mt19937_64 random(20240601);
  const char* wrong = nullptr;
  int steps = 0;
  for (const int spread : {1, 3, 50, 1000000}) {
    Timers timers;
    for (int i = 0; i < 8000 && wrong == nullptr; ++i, ++steps) {
      // It grows for a while, and shrinks to nothing.
      const bool grows = i % 2000 < 900 ? random() % 4 != 0 : random() % 4 == 0;
      if (timers.count() == 0 || (grows && timers.count() < 400))
        timers.insert(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spread)));
      else if (random() % 3 == 0)
        timers.remove(timers.first());
      else
        timers.remove(random() % timers.count());
      wrong = timers.check();
    }
    CHECK(timers.removed_is_clear);
  }
  CAPTURE(steps);
  CHECK(wrong == nullptr);
  CHECK(steps == 32000);
}

TEST_CASE("timers: whatever is done to a heap, what a step walks stays short") {
  // The shapes that make other heaps deep: ascending, descending, zigzag; and then removals inside.
  for (int shape = 0; shape < 4; ++shape) {
    CAPTURE(shape);
    RegionMemory memory;
    Offset root = 0;
    TimerHeap heap(memory.region(), root);
    std::vector<TimerNode*> nodes;
    std::mt19937_64 random(3);
    const int kCount = 20000;
    for (int i = 0; i < kCount; ++i) {
      const std::int64_t due = shape == 0   ? i
                               : shape == 1 ? kCount - i
                               : shape == 2 ? (i % 2 == 0 ? i : kCount - i)
                                            : static_cast<std::int64_t>(random() % kCount);
      nodes.push_back(&memory.make<TimerNode>());
      heap.insert(*nodes.back(), due);
    }
    // Every second one goes, from the middle outwards, as renewals that were put back do.
    for (int i = 0; i < kCount / 2; ++i) {
      const std::size_t at = random() % nodes.size();
      heap.remove(*nodes[at]);
      nodes[at] = nodes.back();
      nodes.pop_back();
    }
    std::uint32_t count = 0;
    CHECK(check_timer_heap(memory.region(), root, &count) == nullptr);
    CHECK(count == kCount / 2);
    std::uint32_t path = 0;
    for (Offset at = root; at != 0; at = memory.region().at<TimerNode>(at)->right) ++path;
    CHECK(path == memory.region().at<TimerNode>(root)->rank);
    CHECK((std::uint64_t{1} << path) - 1 <= count);
  }
}
