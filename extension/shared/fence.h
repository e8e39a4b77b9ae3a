// Fencing tokens. A database has one sequence with a step of 2^36; shared memory hands out the
// numbers of a block of it, one atomic addition a grant. Only an arrival takes a block, before it
// touches a queue, and its WAL is flushed before any number of it is given, so every later block,
// after any crash, begins above.
#pragma once

#include "core/region.h"
#include "pg/pg.h"

namespace numpool {

// The current block of one sequence. While a pool uses it, `next` only grows; it never reaches
// `limit` (README, rule F2). All but those two is guarded by the registry lock.
struct FenceBlock {
  Oid database;
  Oid sequence;
  std::uint32_t
      users;         // live pools that take their fences from it; 0: another sequence may have it
  Offset following;  // the next FenceBlock of the arena
  std::atomic<std::int64_t> next;
  std::atomic<std::int64_t> limit;
};

// The block of this database's sequence, for one live pool more; `*spare`, a record of its own,
// becomes 0 if it is taken for that. 0: there is no block, and no spare. Under the registry lock.
Offset fence_use(Oid sequence, Offset* spare);
// The pool of fence_use is gone. Under the registry lock.
void fence_disuse(Offset block);

// Whether the block has a fence for every waiter and one arrival more. A pool that uses it is
// locked.
bool fence_covers_arrival(Offset block);
// Takes a block of the sequence. False: `block` is not, or no longer, for that one. No numpool lock
// held, may ereport.
bool fence_extend(Offset block, Oid sequence);

}  // namespace numpool
