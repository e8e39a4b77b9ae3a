#include "core/timer_heap.h"

namespace numpool {

// Puts the child of the larger rank to the left and computes the rank. Whether that has changed.
bool TimerHeap::settle(TimerNode& at) noexcept {
  if (rank(at.left) < rank(at.right)) {
    const Offset left = at.left;
    at.left = at.right;
    at.right = left;
  }
  const std::uint32_t before = at.rank;
  at.rank = rank(at.right) + 1;
  return at.rank != before;
}

// Merges two heaps along their right paths, which are of logarithmic length: down, and up again.
Offset TimerHeap::merge(Offset a, Offset b) noexcept {
  Offset top = 0;
  Offset above = 0;
  while (a != 0 && b != 0) {
    if (node(b)->due < node(a)->due) {
      const Offset other = a;
      a = b;
      b = other;
    }
    node(a)->parent = above;
    if (above == 0)
      top = a;
    else
      node(above)->right = a;
    above = a;
    a = node(a)->right;
  }
  const Offset rest = a != 0 ? a : b;
  if (above == 0) return rest;
  node(above)->right = rest;
  if (rest != 0) node(rest)->parent = above;
  for (Offset at = above; at != 0; at = node(at)->parent) settle(*node(at));
  return top;
}

void TimerHeap::insert(TimerNode& inserted, std::int64_t due) noexcept {
  inserted = {0, 0, 0, due, 1};
  root_ = merge(root_, region_.offset_of(&inserted));
  node(root_)->parent = 0;
}

void TimerHeap::remove(TimerNode& removed) noexcept {
  const Offset at = region_.offset_of(&removed);
  const Offset parent = removed.parent;
  if (removed.left != 0) node(removed.left)->parent = 0;
  if (removed.right != 0) node(removed.right)->parent = 0;
  const Offset rest = merge(removed.left, removed.right);
  removed = {};
  if (rest != 0) node(rest)->parent = parent;
  if (parent == 0) {
    root_ = rest;
    return;
  }
  if (node(parent)->left == at)
    node(parent)->left = rest;
  else
    node(parent)->right = rest;
  for (Offset above = parent; above != 0 && settle(*node(above)); above = node(above)->parent) {
  }
}

const char* check_timer_heap(Region region, Offset root, std::uint32_t* count) noexcept {
  *count = 0;
  Offset at = root;
  if (at != 0 && region.at<TimerNode>(at)->parent != 0) return "timers: the root has a parent";
  // In the order of a walk by the parents: left, right, up.
  Offset from = 0;
  while (at != 0) {
    const TimerNode& node = *region.at<TimerNode>(at);
    const bool down = from == node.parent;
    if (down) {
      ++*count;
      std::uint32_t ranks[2] = {0, 0};
      const Offset children[2] = {node.left, node.right};
      for (int i = 0; i < 2; ++i) {
        if (children[i] == 0) continue;
        const TimerNode& child = *region.at<TimerNode>(children[i]);
        if (child.parent != at) return "timers: a child has another parent";
        if (child.due < node.due) return "timers: a child is due earlier";
        ranks[i] = child.rank;
      }
      if (ranks[0] < ranks[1] || node.rank != ranks[1] + 1) return "timers: a rank is wrong";
    }
    Offset next = node.parent;
    if (down && node.left != 0)
      next = node.left;
    else if (node.right != 0 && (down || (from == node.left && from != 0)))
      next = node.right;
    from = at;
    at = next;
  }
  return nullptr;
}

}  // namespace numpool
