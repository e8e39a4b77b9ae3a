// Which pools are live: the registry finds each by the identity of its definition, and keeps the
// headers that are of no pool.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// The registered pool of that key, or 0. A hint: check it with lock_pool.
Offset find_live_pool(const PoolKey& key, std::uint64_t* generation);

// The head of the chain that pools of that key are in. Under the registry lock.
Offset* chain_of(const PoolKey& key);
// The pool of that key, or 0. Under the registry lock.
Offset find_in_chain(const PoolKey& key);
// Takes the pool at `*link` of its chain out of the registry. Under the registry lock and its own.
void unregister_at(Offset* link);

// A header of no pool, or 0 where all are in use, but for some that are kept for stubs. No numpool
// lock held.
Offset take_free_header(bool for_stub);
// Takes back what take_free_header gave, or the header of a pool that was taken apart. No numpool
// lock held; cannot fail.
void give_back_header(Offset header);

}  // namespace numpool
