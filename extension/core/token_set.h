// The records of tokens that a pool has: when each will be over, and which are.
#pragma once

#include "core/timed_record.h"
#include "core/wait_queue.h"

namespace numpool {

struct TokenSet {
  std::uint32_t records;  // of leases, places and rows that are left
  std::uint32_t timed;    // leases that tokens hold
  Offset timers;          // TimerHeap
  Offset over;            // records that are to be taken out of the table of tokens, by over_next
  Offset left;            // records of rows that are left of leases that are over, by left_next

  // The record counts among the pool's, which is not evicted while it has any. No harm if it does
  // so already.
  void enter(TimedRecord& record) noexcept;
  // It does no more.
  void leave(TimedRecord& record) noexcept;

  // The timer comes up when the record is over. A later one is noticed when it does.
  void set_timer(Region region, TimedRecord& record) noexcept;
  void clear_timer(Region region, TimedRecord& record) noexcept;

  // The record has nothing of the pool any more but, perhaps, a row.
  void become_over(Region region, TimedRecord& record) noexcept;
  // The place leaves the queue, and is over.
  void end_place(Region region, WaitQueue& queue, TimedRecord& record) noexcept;

  // The record that comes up first. Not without one.
  TimedRecord& first(Region region) const noexcept {
    // NB: the node is the record's first member.
    return *region.at<TimedRecord>(timers);
  }
};

}  // namespace numpool
