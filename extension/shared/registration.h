// How a pool becomes live, and how it ends.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// Registers a pool of that definition as kLoading if none is there; a stub as kLive and closing at
// once. `maker`: this session if its open transaction has made the row, else 0. It gets slots for
// `capacity` numbers, if that is more than its size. Errors: 53200.
Offset register_live_pool(const PoolKey& key, const Definition& definition, SessionId maker,
                          std::uint64_t* generation, std::uint32_t capacity = 0);

// Drops the pool: dismisses its waiters, notifies those of its holders who listen, and gives its
// memory back. Does nothing if another pool is there by now. No numpool lock held; cannot fail.
void drop_live_pool(Offset offset, const PoolKey& key, std::uint64_t generation);

// The same for a pool of which a loader has found that it is not as its row, if it is still
// kLoading: another may have made it live meanwhile, and then it follows its row by itself.
void drop_loading_pool(Offset offset, const PoolKey& key, std::uint64_t generation);

}  // namespace numpool
