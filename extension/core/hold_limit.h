// How long a lease of a session or transaction may last: the setting max_hold. What a token has
// ends by its own time. As in core/pool.h the caller holds the pool's lock and brings the time.
//
// Nothing is kept in order: a pool knows when to look at its slots next, which is no later than the
// first of its leases is over (I8). A look goes through all slots, a batch under one lock, and
// finds out when the next one is due; so a lease that is released in time costs nothing but, once
// in a while, a look for nothing.
#pragma once

#include "core/pool.h"

namespace numpool {

// Slots that are looked at, at most, under one lock.
constexpr std::uint32_t kHoldBatch = 1024;

// Whether the lease of the slot, which is held, may last for so long only; and when it is over, by
// the monotonic clock.
inline bool is_limited(const Pool& pool, const Slot& slot) noexcept {
  return pool.limits_hold && slot.holder != kTokenHolder;
}
std::int64_t end_of_hold(const Pool& pool, const Slot& slot) noexcept;

// Goes on with the look that is due, through `*left` slots at most: the next number whose lease has
// lasted too long, which is to be ended before the next call. Bitmap::kNone: there is none among
// these slots, and if none is due any more (pool.hold.due), the look is over.
std::uint32_t next_overheld(Region region, Pool& pool, std::int64_t monotonic,
                            std::uint32_t* left) noexcept;

}  // namespace numpool
