// The state machine of one pool: which index, who is next, what changes. No lock, clock, heap or
// exception: the caller holds the pool's lock, brings the time, the fences and the memory, and
// wakes whom it is told to.
//
// Invariants I1 to I4 hold whenever the lock is free (README.md of the extension, "Invariants").
// check_pool tests them.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/free_set.h"
#include "core/pool_counters.h"
#include "core/pool_settings.h"
#include "core/region.h"
#include "core/service.h"
#include "core/slot.h"
#include "core/slot_list.h"
#include "core/token_set.h"
#include "core/wait_queue.h"

namespace numpool {

// Sessions to wake once the lock is released. An operation that can wake many stops when it is full
// and says so.
class WakeList {
 public:
  static constexpr std::uint32_t kCapacity = 64;
  struct Wakeup {
    SessionId session;
    WaiterKind kind;
  };

  bool empty() const noexcept { return count_ == 0; }
  bool full() const noexcept { return count_ == kCapacity; }
  std::uint32_t room() const noexcept { return kCapacity - count_; }
  // Not when full.
  void add(SessionId session, WaiterKind kind) noexcept { wakeups_[count_++] = {session, kind}; }
  void clear() noexcept { count_ = 0; }
  const Wakeup* begin() const noexcept { return wakeups_; }
  const Wakeup* end() const noexcept { return wakeups_ + count_; }

 private:
  std::uint32_t count_ = 0;
  Wakeup wakeups_[kCapacity];
};

// What a grant needs from outside.
struct GrantContext {
  std::int64_t now;        // microseconds, for people
  std::int64_t monotonic;  // microseconds, which nobody sets: for deadlines
  // The next fence to give. There is one for every arrival that was let in.
  std::atomic<std::int64_t>& fence;
  // Of what ends: kept with a number that goes to nobody.
  LastHolder last = {};
};

// Who asks for an index.
struct Claim {
  SessionId session;
  std::uint64_t owner_tag;
  Scope scope;
  std::int64_t ticket = 0;  // 0: not by ticket
};

enum class Leave : std::uint8_t { kTimeout, kCancel };

// How a lease ends.
enum class EndKind : std::uint8_t {
  kReleased,  // as its holder wished
  kBad,       // its holder died, its time ran out, or somebody ended it by force
  kUnlearnt,  // its holder never learnt of it, so the number need not rest
};

// The chunks after the first ones are noted in a directory, which comes in pages.
constexpr std::uint32_t kPageLinks = 256;
constexpr std::uint32_t kMaxPages =
    (chunk::kMaxCount - chunk::kDoubling + kPageLinks - 1) / kPageLinks;
// Pages of the directory of that many chunks.
constexpr std::uint32_t pages_for(std::uint32_t chunk_count) noexcept {
  return chunk_count <= chunk::kDoubling
             ? 0
             : (chunk_count - chunk::kDoubling + kPageLinks - 1) / kPageLinks;
}

// Memory for a larger pool, found before the growth and linked by it. A member is 0 where none is
// needed.
struct Growth {
  Offset chunks[chunk::kMaxCount];  // [k] zeroed, chunk::slots(k) slots
  Offset pages[kMaxPages];          // zeroed, kPageLinks offsets
  // Zeroed, of segments of a free set of bitmap_capacity numbers; those that the pool lacks or has
  // in another capacity.
  Offset bitmaps[FreeSet::kMaxSegments];
  std::uint32_t bitmap_capacity;
};

// Why a number rests (core/rest.h).
enum class RestKind : std::uint8_t { kCooling, kMourning };
constexpr int kRestKinds = 2;

// When to look for leases that have lasted too long (core/hold_limit.h).
struct HoldLimit {
  std::int64_t due = INT64_MAX;  // by the monotonic clock; INT64_MAX: there is nothing to look for
  // Of the look that is under way: when the first of the leases that it has passed is due, and
  // where it goes on; 0: none is, and the former means nothing.
  std::int64_t next_due = INT64_MAX;
  std::uint32_t looked_at = 0;
  // How far `acquired_at` of the slots is ahead of the monotonic clock. Nobody ends a lease by
  // setting the other one.
  std::int64_t wall_ahead = 0;
};

struct Pool {
  std::uint32_t size;
  std::uint32_t in_use;
  std::uint32_t free;
  std::uint32_t resting;
  std::uint32_t chunk_count;
  bool longest_free;                // the policy is that; then `by_age` has what is free
  bool has_rest;                    // numbers may have to rest
  bool limits_hold;                 // leases of sessions may last for max_hold only
  bool is_ephemeral;                // `idle_since` is kept
  Offset chunks[chunk::kDoubling];  // the first ones; the others by way of the directory
  Offset pages[kMaxPages];          // Offset[kPageLinks] each, of a pool of more than 64, else 0
  FreeSetMemory free_memory;
  OutOfService out;
  WaitQueue queue;
  TokenSet tokens;  // used by core/timed_lease.h
  // The free numbers, the one that has been free longest first.
  SlotList by_age;
  // Those that rest, by RestKind, the one that began first first; those above the size, too.
  SlotList rests[kRestKinds];
  HoldLimit hold;
  // Since when the pool has been unused (core/idle_time.h), by the monotonic clock; 0: it is in
  // use, or nobody has looked yet.
  std::int64_t idle_since;
  PoolSettings settings;
  PoolCounters counters;
  Offset wait_histogram;  // WaitHistogram; 0: none yet, or no memory for it

  // Where the k-th chunk is noted.
  Offset& chunk_link(Region region, std::uint32_t k) noexcept;
  Slot& slot(Region region, std::uint32_t index) noexcept;
  FreeSet free_set(Region region) noexcept { return FreeSet(region, free_memory); }
};

// Whether the number is one to be given while nobody holds it and it does not rest.
inline bool may_be_free(Region region, const Pool& pool, std::uint32_t index) noexcept {
  return index < pool.size && !pool.out.has(region, index);
}

// Whether nothing of the number itself keeps it from being given. I1: it is in the free set if and
// only if that is so, and may_be_free.
inline bool is_available(const Slot& slot) noexcept {
  return slot.holder == 0 && !is_resting(slot);
}
// The index, which is available, goes into the free set, or out of it.
void make_free(Region region, Pool& pool, std::uint32_t index) noexcept;
void make_unfree(Region region, Pool& pool, std::uint32_t index) noexcept;

// Lists of numbers of the pool.
void push_back(Region region, Pool& pool, SlotList& list, std::uint32_t index) noexcept;
// Those of another list, which is no list any more, go to the end.
void append(Region region, Pool& pool, SlotList& list, const SlotList& others) noexcept;
// A number of this list.
void remove(Region region, Pool& pool, SlotList& list, std::uint32_t index) noexcept;

// How long a number rests for that reason.
std::int64_t rest_of(const PoolSettings& settings, RestKind kind) noexcept;
// The number, which is not free, has no holder from now on, and rests.
void begin_rest(Region region, Pool& pool, std::uint32_t index, RestKind kind,
                std::int64_t monotonic) noexcept;

// The lease of the slot, which is a session's, begins now, if the pool limits how long it may last.
inline void note_hold(Pool& pool, Slot& slot, std::int64_t monotonic) noexcept {
  if (!pool.limits_hold) return;
  slot.acquired_at = monotonic + pool.hold.wall_ahead;
  const std::int64_t due = monotonic + pool.settings.max_hold;
  if (due < pool.hold.due) pool.hold.due = due;
  // A look that is under way may have passed it.
  if (due < pool.hold.next_due) pool.hold.next_due = due;
}

// Makes an empty pool of `size` numbers, all free, from memory in `growth`: the chunks, and the
// free set if bitmap_capacity_for(size) is more than a word.
void pool_init(Region region, Pool& pool, std::uint32_t size, const Growth& growth,
               std::int64_t now) noexcept;

// Bitmap capacity to reserve for `size` numbers: that of the chunks, so that both grow together.
std::uint32_t bitmap_capacity_for(std::uint32_t size) noexcept;

// Sets them, at that time of both clocks of GrantContext. What rests or is held does so by the new
// times: what is due then is to be ended.
void pool_configure(Region region, Pool& pool, const PoolSettings& settings, std::int64_t now,
                    std::int64_t monotonic) noexcept;

// Grants a free index below `limit` at once, and only if nobody waits: which one, the policy says.
// Bitmap::kNone if not.
std::uint32_t pool_acquire(Region region, Pool& pool, const Claim& claim, std::uint32_t limit,
                           const GrantContext& context) noexcept;

// Puts a waiter that is kIdle, with all filled in that says who waits for what, at the tail.
void pool_join(Region region, Pool& pool, Waiter& waiter, std::int64_t now) noexcept;

// Takes a waiter out of the queue. False, and nothing changes, if it is no longer in it: then it
// was granted or dropped, and that is its session's to pass on.
bool pool_leave(Region region, Pool& pool, Waiter& waiter, Leave why) noexcept;

// Takes the sleeper of the wait with that serial out of the queue as kVictim of a deadlock. False,
// and nothing changes, if it waits no more: in this pool, or so that it is this wait. Wakes one,
// for whom `wake` has room.
bool pool_condemn(Region region, Pool& pool, Waiter& waiter, std::uint64_t serial,
                  WakeList& wake) noexcept;

// Ends the lease of `index`: puts it to rest if that is due after such an end; or else hands it to
// the head of the queue, or frees it; or retires it if a shrink has put it out of the pool, or
// keeps it from all if it is out of service. Wakes at most one, for whom `wake` has room.
void pool_release(Region region, Pool& pool, std::uint32_t index, EndKind end,
                  const GrantContext& context, WakeList& wake) noexcept;
// Whether pool_release will look at the time.
inline bool release_wants_time(const Pool& pool) noexcept {
  return pool.queue.length != 0 || pool.has_rest;
}

// Whether the pool, with what `growth` brings, has the memory for `size` numbers.
bool pool_can_have(const Pool& pool, std::uint32_t size, const Growth& growth) noexcept;

// Sets the size, for which there is memory (pool_can_have). Growing links what `growth` brings for
// chunks (and free set) that the pool lacks; taken members become 0, and those of growth.bitmaps
// become old ones for the caller to free. Leases at or above a smaller size stay until released.
// pool_serve is to follow.
void pool_resize(Region region, Pool& pool, std::uint32_t size, Growth& growth) noexcept;

// Sets which numbers are out of service, and returns the memory of those that were. Leases stay as
// they are. pool_serve is to follow.
Offset pool_set_service(Region region, Pool& pool, const OutOfService& next) noexcept;

// Hands free indexes to waiters until one side is exhausted or the list is full; true if there is
// more to do.
bool pool_serve(Region region, Pool& pool, const GrantContext& context, WakeList& wake) noexcept;

// Takes waiters off the queue as kDropped until none is left or the list is full; true if there are
// more.
bool pool_dismiss(Region region, Pool& pool, WakeList& wake) noexcept;

// The session that holds every number below the size, or 0: it would wait for itself. A number that
// is out of service by itself and that nobody holds is none, as nobody may hope for it; those of a
// pool that is drained are some.
SessionId pool_sole_holder(Region region, Pool& pool) noexcept;

// Counts anew from `now` on.
void pool_reset_counters(Region region, Pool& pool, std::int64_t now) noexcept;

// nullptr, or which invariant does not hold. O(size + queue): for tests.
const char* check_pool(Region region, Pool& pool) noexcept;

}  // namespace numpool
