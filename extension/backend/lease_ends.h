// Leases that the open transaction ends, whoever holds them: from the call to COMMIT.
#pragma once

#include "backend/pool_ref.h"

namespace numpool {

// Notes the lease of `index` in the pool of that name, and ends it at COMMIT. With `fence`, only if
// it is the one with that fence. False: there is no such lease. Errors: 42704, 22023.
bool end_lease_at_commit(text* name, std::int64_t index, const std::int64_t* fence);

// Errors: 55000 if a lease of that pool has been noted, which COMMIT would end.
void require_no_lease_ends(const PoolRef* ref);

// Forgets the lease that was noted last. Cannot fail.
void undo_lease_end();
// At the end of the transaction: ends what was noted, or forgets it. Cannot fail.
void finish_lease_ends(bool commit);

}  // namespace numpool
