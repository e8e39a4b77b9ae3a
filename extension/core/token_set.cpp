#include "core/token_set.h"

namespace numpool {

void TokenSet::enter(TimedRecord& record) noexcept {
  if (!record.counted) ++records;
  record.counted = true;
}

void TokenSet::leave(TimedRecord& record) noexcept {
  if (record.counted) --records;
  record.counted = false;
}

void TokenSet::set_timer(Region region, TimedRecord& record) noexcept {
  TimerHeap heap(region, timers);
  if (record.timer.is_set()) {
    if (record.timer.due <= due_of(record)) return;
    heap.remove(record.timer);
  }
  heap.insert(record.timer, due_of(record));
}

void TokenSet::clear_timer(Region region, TimedRecord& record) noexcept {
  if (record.timer.is_set()) TimerHeap(region, timers).remove(record.timer);
}

void TokenSet::become_over(Region region, TimedRecord& record) noexcept {
  clear_timer(region, record);
  record.user = 0;
  record.in_over_list.store(true, std::memory_order_relaxed);
  record.over_next = over;
  over = region.offset_of(&record);
  if (record.row_fence != 0 && !record.row_is_deleted) {
    record.left_next = left;
    left = region.offset_of(&record);
  } else {
    record.row_fence = 0;
    leave(record);
  }
  record.state.store(TimedState::kOver, std::memory_order_release);
}

void TokenSet::end_place(Region region, WaitQueue& queue, TimedRecord& record) noexcept {
  Waiter& waiter = *region.at<Waiter>(record.waiter);
  queue.leave(region, waiter);
  waiter.state.store(WaiterState::kIdle, std::memory_order_relaxed);
  become_over(region, record);
}

}  // namespace numpool
