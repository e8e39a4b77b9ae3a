// What the open transaction did to definitions, on its way to the live pools.
#pragma once

#include "backend/pool_ref.h"

namespace numpool {

// Call before changing ref->change: records its state for a rollback, and puts the pool on the list
// of those that COMMIT applies. May ereport.
void begin_change(PoolRef* ref);

// Puts an earlier state of ref->change back. Cannot fail.
void restore_change(PoolRef* ref, const DefinitionChange& before);
// At the end of the transaction: applies what is left, or forgets it. Cannot fail.
void finish_changes(bool commit);

}  // namespace numpool
