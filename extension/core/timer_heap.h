// What comes due first: a heap of nodes that lie in records of the region, so that it never has to
// allocate. A leftist heap: inserting and removing any node take O(log n), also in the worst case.
#pragma once

#include <cstdint>

#include "core/region.h"

namespace numpool {

// Part of the record that is to come due. All zero: in no heap.
struct TimerNode {
  Offset left;
  Offset right;
  Offset parent;
  std::int64_t due;    // microseconds, the caller's clock
  std::uint32_t rank;  // nodes on the way to the nearest missing child; 0: in no heap

  bool is_set() const noexcept { return rank != 0; }
};

class TimerHeap {
 public:
  // `root` is where the owner keeps the node that is due first; 0: none.
  TimerHeap(Region region, Offset& root) noexcept : region_(region), root_(root) {}

  bool empty() const noexcept { return root_ == 0; }
  // Not when empty.
  TimerNode& first() const noexcept { return *region_.at<TimerNode>(root_); }

  // A node that is in no heap.
  void insert(TimerNode& inserted, std::int64_t due) noexcept;
  // A node of this heap.
  void remove(TimerNode& removed) noexcept;

 private:
  TimerNode* node(Offset at) const noexcept { return region_.at<TimerNode>(at); }
  std::uint32_t rank(Offset at) const noexcept { return at == 0 ? 0 : node(at)->rank; }
  Offset merge(Offset a, Offset b) noexcept;
  bool settle(TimerNode& at) noexcept;

  Region region_;
  Offset& root_;
};

// nullptr, or what is wrong with the heap. O(n): for tests. `count` is the number of its nodes.
const char* check_timer_heap(Region region, Offset root, std::uint32_t* count) noexcept;

}  // namespace numpool
