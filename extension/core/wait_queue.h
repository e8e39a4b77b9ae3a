// Who waits for a pool, in the order of joining: a doubly linked list of records in the region.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/region.h"
#include "core/slot.h"

namespace numpool {

enum class WaiterKind : std::uint8_t {
  kBlocking,  // its backend sleeps on its latch; the record is part of the session's
  kTicket,    // its client listens; the record is allocated
  kPlace,     // kept for a token, whoever comes with it; `owner_tag` is its TimedRecord
  kWatch,     // in no queue: its backend sleeps until a pool is idle
};

// Where a waiter is. Only the pool's lock holder moves it; its own session reads it without the
// lock.
enum class WaiterState : std::uint8_t {
  kIdle,     // on no list
  kQueued,   // in its pool's queue
  kGranted,  // off the queue, owns `index`; a ticket is in its session's inbox until collected
  kDropped,  // off the queue, its pool is gone; a ticket is in its session's inbox until collected
  kVictim,   // off the queue, to end a deadlock; a sleeper's only
};

// Tickets of one session that have left their queue and that it has not collected yet, newest
// first. Any lock holder pushes; only the owner takes, and takes all, so that no element can come
// back meanwhile (no ABA).
struct Inbox {
  std::atomic<Offset> head;
};

struct Waiter {
  Offset prev;  // towards the head of the queue
  Offset next;
  Offset inbox;       // the session's Inbox (tickets)
  Offset inbox_next;  // the next older element there
  SessionId session;
  std::uint64_t owner_tag;  // goes into the slot with the grant
  std::int64_t ticket;      // 0 for a blocking waiter
  std::int64_t since;       // microseconds, the caller's clock
  std::int64_t fence;       // of the grant
  // Of this wait; grows with every wait in the server. Stored before `state` becomes kQueued, so
  // that whoever sees kQueued without the right lock sees the serial of that wait or a later one.
  std::atomic<std::uint64_t> serial;
  std::uint32_t index;   // of the grant
  std::uint32_t wanted;  // numbers
  std::atomic<WaiterState> state;
  WaiterKind kind;
  Scope scope;
  bool ends_by_itself;  // it has a timeout of its own, or is a ticket
};
static_assert(sizeof(Waiter) == 96,
              "a size that the allocator has; the manual says so, under Settings and limits");

// Of `wanted`: every number that there is, so one in the hands of somebody stuck is enough.
constexpr std::uint32_t kEveryNumber = UINT32_MAX;

// Whether it waits, and that is the wait of that serial.
inline bool is_in_wait(const Waiter& waiter, std::uint64_t serial) noexcept {
  return waiter.state.load(std::memory_order_acquire) == WaiterState::kQueued &&
         waiter.serial.load(std::memory_order_relaxed) == serial;
}

struct WaitQueue {
  Offset head;
  Offset tail;
  std::uint32_t length;

  void join(Region region, Waiter& waiter) noexcept;
  void leave(Region region, Waiter& waiter) noexcept;
};

void inbox_push(Region region, Waiter& waiter) noexcept;

// Takes all that is there, oldest first, linked by inbox_next.
Offset inbox_take(Region region, Inbox& inbox) noexcept;

}  // namespace numpool
