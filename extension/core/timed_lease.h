// What tokens do in a pool: places in its queue, offers, leases that end by time. As in core/pool.h
// the caller holds the pool's lock and brings times, fences and memory.
#pragma once

#include "core/pool.h"
#include "core/timed_record.h"

namespace numpool {

constexpr std::int64_t kMaxPlaceTtl = std::int64_t{30} * 1000000;  // microseconds

// What pool_end_due ends, or puts back, at most under one lock.
constexpr std::uint32_t kDueBatch = 64;

// The record joins the queue, by its waiter, which is kIdle. The deadline, or its user, is set.
void timed_join(Region region, Pool& pool, TimedRecord& record, std::int64_t now) noexcept;
// Somebody called for the place: it lasts from now. Not an offer, whose time runs.
void timed_prolong_place(Region region, Pool& pool, TimedRecord& record,
                         std::int64_t monotonic) noexcept;
// The user is done with it: its deadline counts again.
void timed_clear_user(Region region, Pool& pool, TimedRecord& record) noexcept;

// kOffered to kTaken: the number goes to the claim's session.
void timed_pick_up(Region region, Pool& pool, TimedRecord& record, const Claim& claim,
                   std::int64_t monotonic) noexcept;
// The contrary, with the deadline that the offer had.
void timed_put_back(Region region, Pool& pool, TimedRecord& record) noexcept;
// kTaken to kHeld: the number, which its user's session has, goes to the token; its whole ttl from
// now.
void timed_hold(Region region, Pool& pool, TimedRecord& record, std::int64_t monotonic) noexcept;
// The same of a number in nobody's hands and below or above the size, as after a start.
void timed_restore(Region region, Pool& pool, TimedRecord& record, const GrantContext& context,
                   std::int64_t fence) noexcept;
// Its whole ttl from now.
void timed_renew(TimedRecord& record, std::int64_t monotonic) noexcept;

// Counts that the time of the record, which is due, is over. Before timed_end.
void timed_count_end(Pool& pool, const TimedRecord& record) noexcept;
// Ends what is a place, an offer or a lease: its number goes to the next in line. If it leaves a
// row, it goes on pool.tokens.left, too. Wakes at most one, for whom `wake` has room.
void timed_end(Region region, Pool& pool, TimedRecord& record, EndKind end,
               const GrantContext& context, WakeList& wake) noexcept;
// Ends what is due, rests among it, a batch at a time; true if there may be more.
bool pool_end_due(Region region, Pool& pool, const GrantContext& context, WakeList& wake) noexcept;
// When anything of the pool will be due first; INT64_MAX: nothing.
std::int64_t pool_next_due(Region region, Pool& pool) noexcept;

// Puts the record of a row that is left, and of nothing else, on the pool's list.
void timed_note_row(Region region, Pool& pool, TimedRecord& record) noexcept;
// Takes it off, and the pool forgets it.
void timed_forget_row(Region region, Pool& pool, TimedRecord& record) noexcept;

// Of a pool that is dropped: whatever tokens have in it is over, a batch at a time; true if there
// may be more. The queue is empty. `*from` is 0 at first.
bool timed_end_all(Region region, Pool& pool, std::uint32_t* from) noexcept;

}  // namespace numpool
