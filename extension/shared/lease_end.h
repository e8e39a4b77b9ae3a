// Ending a lease against its holder's will, whoever does it: an operator, or the clerk when the
// lease has lasted for too long.
#pragma once

#include "core/lease_end.h"
#include "shared/live_pool.h"

namespace numpool {

// Ends the lease of `index` that has this fence, if it is still there; `how`: by force, or by the
// pool's max_hold. Whoever gets the number and,
// if it listens, the session that has lost it are in `wake`, for the caller to wake when he has
// unlocked the pool; it has room for two. The pool is locked; cannot fail, and needs no
// transaction.
LeaseEnd end_lease(LivePool& live, std::uint32_t index, std::int64_t fence, LastEnd how,
                   WakeList& wake);

// Ends leases that have lasted for longer than the pool allows, a batch at most; true if there may
// be more. The pool is locked; those in `wake` are for the caller to wake. Cannot fail.
bool end_overheld(LivePool& live, WakeList& wake);

}  // namespace numpool
