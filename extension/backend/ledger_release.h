// Releases and cancels that wait for COMMIT, and what an acquire takes back of them.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Marks the release or cancel for the end of the transaction. May ereport, and then changes
// nothing.
void release_at_commit(LedgerEntry* entry);
// Fast path of release_at_commit: finds and marks the lease of `index` under a single pool lock.
// Returns false and changes nothing if the slot is not a plain lease of this session, or not with
// that fence (0: any); use the slow path then.
bool release_held_at_commit(PoolRef* ref, std::uint32_t index, std::int64_t fence = 0);
// Leases that this session holds in the pool, which is locked, and is releasing.
std::uint32_t count_releasing(PoolRef* ref);
// Of the indexes of the pool that this transaction is releasing, makes the lowest held again.
// nullptr if there is none.
LedgerEntry* take_back(PoolRef* ref, Scope scope);

}  // namespace numpool
