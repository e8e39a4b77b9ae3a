// Giving a live pool the size that its definition has.
#pragma once

#include "shared/pool_unlock.h"

namespace numpool {

// Sets the pool's size to its defined_size, and serves waiters. What it needs of memory it takes
// from `reserved`, if that is not nullptr, else it looks for it. False: there is not so much, and
// the pool has as many numbers as its memory goes for. No numpool lock held; cannot fail.
bool catch_up(Offset offset, const PoolKey& key, std::uint64_t generation, Growth* reserved);

// A sleeper to whom a change of the pool, which is locked, has left every number waits for itself,
// and has to look: it is put into `wake`.
void wake_sole_holder(LivePool& live, WakeList& wake);

}  // namespace numpool
