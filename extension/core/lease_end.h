// Ending a lease against its holder's will.
#pragma once

#include "core/timed_lease.h"

namespace numpool {

enum class LeaseEnd : std::uint8_t {
  kGone,   // there is no such lease any more
  kEnded,  // its number has gone to the next in line
  kLater,  // it ends as soon as its user is done with it
};

// The token's lease, or offer, is over by force as soon as nobody uses it; counted once.
inline void mark_ended(Pool& pool, TimedRecord& record) noexcept {
  if (!record.ended) ++pool.counters.ended;
  record.ended = true;
}

// Ends the lease of `index` that has this fence, whoever has it; `context.last.how` says by what.
// *holder: the session that has lost it, to be told; 0 where it was a token's, or is there no more.
// Wakes at most one, for whom `wake` has room.
LeaseEnd pool_end_lease(Region region, Pool& pool, std::uint32_t index, std::int64_t fence,
                        const GrantContext& context, WakeList& wake, SessionId* holder) noexcept;

}  // namespace numpool
