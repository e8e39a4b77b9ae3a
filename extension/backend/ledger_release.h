// Releases and cancels that wait for COMMIT, and what an acquire takes back of them.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Marks the release or cancel for the end of the transaction. May ereport, and then changes
// nothing.
void release_at_commit(LedgerEntry* entry);
// The same for the lease of `index`, found and marked with the pool locked once. False: that is
// not how this lease can be found or marked; nothing was changed.
bool release_held_at_commit(PoolRef* ref, std::uint32_t index);
// The lowest index of the pool that the open transaction released becomes held again; nullptr if
// none.
LedgerEntry* take_back(PoolRef* ref, Scope scope);

}  // namespace numpool
