// One record an index, and where the records of a pool lie.
#pragma once

#include <cstdint>

#include "core/region.h"

namespace numpool {

constexpr std::uint32_t kMaxPoolSize = 65536;

// A session for the life of the server; see session.h of the glue for how one is made. 0: nobody.
using SessionId = std::uint64_t;

// The holder of a slot that a token has; its process number is no backend's.
constexpr SessionId kTokenHolder = (SessionId{1} << 18) - 1;

// How long a lease lives.
enum class Scope : std::uint8_t {
  kSession,      // until released, or the end of the session
  kTransaction,  // the same, but no longer than the transaction that took it
  kTimed,        // until released by its token, or its time is over
};

// What views show of a lease; the truth of pending releases is the holder's ledger.
enum class LeaseState : std::uint8_t {
  kHeld,       // the holder knows of it
  kGranted,    // handed to a ticket or a place, of which nobody has yet taken note
  kReleasing,  // released in an open transaction
  // Of a slot without a holder; any other state then means nothing.
  kCooling,   // rests after a release
  kMourning,  // rests after a bad end
};

// How a lease ended.
enum class LastEnd : std::uint8_t {
  kNone,         // there was none since the pool became live
  kReleased,     // by who had it
  kTransaction,  // with the transaction that it was of
  kRollback,     // with the transaction, or savepoint, that had taken it
  kSession,      // with its session
  kDied,         // with its session, which did not end well
  kExpired,      // by time
  kEnded,        // by force
  kOverheld,     // by the pool's max_hold
};

// Who had a number last.
struct LastHolder {
  std::int64_t until;  // microseconds, the caller's clock
  int pid;             // 0: a token had it
  std::uint32_t role;
  LastEnd how;
};

// Of a slot without a holder: its neighbours in a list of numbers (core/slot_list.h), as index + 1,
// 0 for none; and the process that had it last, which needs 22 bits.
struct SlotLinks {
  std::uint64_t previous : 20;
  std::uint64_t next : 20;
  std::uint64_t last_pid : 24;
};

// The shared record of one index. holder == 0: the index has no lease, and the other members tell
// of the last one (last_holder), or of none, and of its rest.
struct Slot {
  SessionId holder;
  union {
    std::int64_t fence;
    SlotLinks links;  // without a holder
  };
  std::int64_t acquired_at;  // microseconds, the caller's clock
  union {
    // The holder's own name for the lease, which nobody else reads; of a token: its TimedRecord.
    std::uint64_t owner_tag;
    std::int64_t rests_from;  // without a holder, at rest: since when, by the monotonic clock
  };
  Scope scope;
  LeaseState state;
  // The ticket that has the lease, or 0; in two parts, since the slot has no more room.
  std::uint16_t ticket_high;
  std::uint32_t ticket_low;

  void set_ticket(std::int64_t ticket) noexcept {
    ticket_high = static_cast<std::uint16_t>(ticket >> 32);
    ticket_low = static_cast<std::uint32_t>(ticket);
  }
  // The lease is over; not before it began, though a caller's clock may be of before.
  void end(const LastHolder& last) noexcept {
    holder = 0;
    links = {0, 0, static_cast<std::uint32_t>(last.pid) & 0xFFFFFF};
    if (acquired_at < last.until) acquired_at = last.until;
    state = LeaseState::kHeld;
    ticket_high = static_cast<std::uint16_t>(last.how);
    ticket_low = last.role;
  }
  // Of one that nobody holds.
  LastHolder last_holder() const noexcept {
    return {acquired_at, static_cast<int>(links.last_pid), ticket_low,
            static_cast<LastEnd>(ticket_high)};
  }
  std::int64_t ticket() const noexcept {
    return static_cast<std::int64_t>(ticket_high) << 32 | ticket_low;
  }
};
// Whether the index, which has no holder, rests.
inline bool is_resting(const Slot& slot) noexcept {
  return slot.holder == 0 &&
         (slot.state == LeaseState::kCooling || slot.state == LeaseState::kMourning);
}
static_assert(sizeof(Slot) == 40, "the manual says so, under Settings and limits");

// Slots lie in chunks that never move: 16, 16, 32, which is 64 in the first three, and then 64
// each. So a pool of four takes little, and a large pool finds room wherever there are small
// pieces.
namespace chunk {

constexpr std::uint32_t kFirstSlots = 16;
constexpr std::uint32_t kMaxSlots = 64;
constexpr std::uint32_t kDoubling = 3;  // chunks before those of kMaxSlots
constexpr std::uint32_t kMaxCount = kDoubling + kMaxPoolSize / kMaxSlots - 1;

constexpr std::uint32_t of(std::uint32_t index) noexcept {
  if (index < kFirstSlots) return 0;
  if (index >= kMaxSlots) return kDoubling - 1 + index / kMaxSlots;
  return 32 - static_cast<std::uint32_t>(__builtin_clz(index / kFirstSlots));
}
constexpr std::uint32_t first_index(std::uint32_t k) noexcept {
  if (k == 0) return 0;
  return k < kDoubling ? kFirstSlots << (k - 1) : (k - kDoubling + 1) * kMaxSlots;
}
// Chunks that hold the slots of a pool of `size` numbers.
constexpr std::uint32_t count_for(std::uint32_t size) noexcept {
  return size == 0 ? 0 : of(size - 1) + 1;
}
// Slots in the first `count` chunks together.
constexpr std::uint32_t capacity(std::uint32_t count) noexcept {
  return first_index(count);
}
constexpr std::uint32_t slots(std::uint32_t k) noexcept {
  return first_index(k + 1) - first_index(k);
}

static_assert(first_index(1) == kFirstSlots && first_index(kDoubling) == kMaxSlots, "");
static_assert(count_for(kMaxPoolSize) == kMaxCount && capacity(kMaxCount) == kMaxPoolSize, "");

}  // namespace chunk

}  // namespace numpool
