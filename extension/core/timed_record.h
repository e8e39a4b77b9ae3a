// The record of a token: a timed lease, or a place in a pool's queue that is kept for one.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/region.h"
#include "core/slot.h"
#include "core/timer_heap.h"

namespace numpool {

// The 16 bytes of a uuid, in two parts.
struct Token {
  std::uint64_t high;
  std::uint64_t low;

  bool operator==(const Token& other) const noexcept {
    return high == other.high && low == other.low;
  }
};

// Who moves a record from one to the next is in the README, "Timed leases".
enum class TimedState : std::uint8_t {
  kPlace,    // waits in the queue; `waiter` is its record there
  kOffered,  // a number was handed to the place, and nobody has picked it up
  kTaken,    // an open transaction takes, picks up or keeps it; the slot is its session's
  kHeld,     // the token holds the number
  kOver,     // ended; whoever ended it is taking it out of the table of tokens
};

// Guarded by the lock of its pool, but for what the table of tokens guards. Its memory is given
// back by whoever has taken it out of that table.
struct TimedRecord {
  TimerNode timer;  // NB: first. In the pool's heap of what will be over
  Token token;
  std::uint32_t database;  // with `relation`, where the token counts
  std::uint32_t relation;
  Offset table_next;  // in its chain of the table of tokens; guarded by the table's lock
  Offset pool;        // the LivePool, and which it was
  std::uint64_t generation;
  // Microseconds of the monotonic clock; means nothing while there is a user.
  std::int64_t deadline;
  std::int64_t ttl;    // microseconds
  std::int64_t fence;  // the lease's own
  // Its row has this fence, its own or another; 0: it has no committed row.
  std::int64_t row_fence;
  // The session in whose open transaction it is taken or being released, or whose call sleeps on
  // the place, or which is deleting the row that it left; 0: nobody, and then the deadline counts.
  SessionId user;
  Offset waiter;     // of a place; kept until the lease is taken
  Offset holder;     // text, holder_length bytes
  Offset over_next;  // in a list of those that are over
  Offset left_next;  // in the pool's list of rows that are left
  std::uint32_t index;
  std::uint32_t role;  // who took it
  std::uint16_t holder_length;
  std::atomic<TimedState> state;
  // Guarded by the table's lock: in a chain of it.
  bool in_table;
  // On a list of those that are over, and so not to be freed by anybody else.
  std::atomic<bool> in_over_list;
  // A release of it, which is committed, has deleted its row: nothing is left when it is over.
  bool row_is_deleted;
  bool counted;  // among its pool's records
  // It only tells of a row that is left, and does not count for what tokens may take.
  bool only_row;
  // Ended by force: it is over as soon as it has no user, whatever its deadline says.
  bool ended;
  // The number was picked up, and put back by a rollback: somebody may know of it.
  bool learnt;
};
static_assert(sizeof(TimedRecord) <= 192, "a size that the allocator has; the manual says so");

// When it is over, unless it has a user.
inline std::int64_t due_of(const TimedRecord& record) noexcept {
  return record.ended ? INT64_MIN : record.deadline;
}

// Whether that counts, and has come.
inline bool is_due(const TimedRecord& record, std::int64_t monotonic) noexcept {
  return record.user == 0 && due_of(record) <= monotonic;
}

}  // namespace numpool
