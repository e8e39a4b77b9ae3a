// Rest: a number that was released is not given again until its pool's cooldown, or after a bad end
// its death_delay, has passed. As in core/pool.h the caller holds the pool's lock and brings the
// time.
#pragma once

#include "core/pool.h"

namespace numpool {

// The number, which has no holder and may be free or rest, does neither from now on: it gets a
// holder in another way than by a grant.
void take_out(Region region, Pool& pool, std::uint32_t index) noexcept;
// What is free of `first` and above rests as after a bad end at that time, or at a later one where
// others of which that is true began to rest later.
void put_to_rest_from(Region region, Pool& pool, std::uint32_t first,
                      std::int64_t monotonic) noexcept;

// Numbers whose rest is over become free, `at_most` of them; true if there are more. Nobody is
// served: pool_serve is to follow.
bool pool_end_rests(Region region, Pool& pool, std::int64_t monotonic,
                    std::uint32_t at_most) noexcept;
// When the number of that slot, which rests, will have rested.
std::int64_t end_of_rest(const Pool& pool, const Slot& slot) noexcept;
// When a rest will be over first; INT64_MAX: nothing rests.
std::int64_t next_rest_end(Region region, Pool& pool) noexcept;

}  // namespace numpool
