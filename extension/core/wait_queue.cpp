#include "core/wait_queue.h"

namespace numpool {

void WaitQueue::join(Region region, Waiter& waiter) noexcept {
  const Offset self = region.offset_of(&waiter);
  waiter.prev = tail;
  waiter.next = 0;
  if (tail == 0)
    head = self;
  else
    region.at<Waiter>(tail)->next = self;
  tail = self;
  ++length;
}

void WaitQueue::leave(Region region, Waiter& waiter) noexcept {
  if (waiter.prev == 0)
    head = waiter.next;
  else
    region.at<Waiter>(waiter.prev)->next = waiter.next;
  if (waiter.next == 0)
    tail = waiter.prev;
  else
    region.at<Waiter>(waiter.next)->prev = waiter.prev;
  waiter.prev = waiter.next = 0;
  --length;
}

void inbox_push(Region region, Waiter& waiter) noexcept {
  Inbox* inbox = region.at<Inbox>(waiter.inbox);
  const Offset self = region.offset_of(&waiter);
  Offset head = inbox->head.load(std::memory_order_relaxed);
  do {
    waiter.inbox_next = head;
  } while (!inbox->head.compare_exchange_weak(head, self, std::memory_order_release,
                                              std::memory_order_relaxed));
}

Offset inbox_take(Region region, Inbox& inbox) noexcept {
  Offset newest = inbox.head.exchange(0, std::memory_order_acquire);
  Offset oldest = 0;
  while (newest != 0) {
    Waiter* waiter = region.at<Waiter>(newest);
    const Offset older = waiter->inbox_next;
    waiter->inbox_next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

}  // namespace numpool
