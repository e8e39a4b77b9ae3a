// The pools that a backend has met, by name and by identity.
#pragma once

#include "backend/definitions.h"
#include "backend/pool_ref.h"

namespace numpool {

// The pool of that name, by the newest committed definition or the open transaction's own; nullptr
// where the table was locked until the deadline. Errors: 42704.
PoolRef* require_pool(text* name, TimestampTz deadline);
// For a lease that the session may have: never waits, and takes what it knew of the name where the
// table is locked. nullptr where there is no such pool, or (*locked) where that cannot be told.
PoolRef* find_pool_of_lease(text* name, bool* locked = nullptr);
// The pool of that name if this backend knows it and need not read the table; else nullptr. Only
// want of memory makes it fail.
PoolRef* remembered_pool(text* name);
// Keeps the name that the pool has, in case the transaction that renames it is rolled back. May
// ereport.
void keep_name(PoolRef* ref);
// At the end of that transaction: puts the old name back, or forgets it. Cannot fail.
void end_renaming(PoolRef* ref, bool commit);
// Call when the pool of that name turns out to be gone: the next look-up reads the table.
void forget_name_of(text* name);
// The reference of a definition that the caller has read.
PoolRef* pool_ref(const Definition& definition);
// The one of an identity that this backend has met, or nullptr.
PoolRef* known_pool(std::int64_t identity);
// Of a pool of this database's definitions.
PoolKey pool_key(std::int64_t identity);

}  // namespace numpool
