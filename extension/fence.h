// Fencing tokens. A database has one sequence with a step of 2^36; shared memory hands out the
// numbers of a block of it, one atomic addition a grant. Only an arrival takes a block, before it
// touches a queue, and its WAL is flushed before any number of it is given, so every later block,
// after any crash, begins above.
#pragma once

#include "core/region.h"
#include "pg.h"

namespace numpool {

// The current block of one sequence. `next` only grows; it never reaches `limit` (README, rule F2).
struct FenceBlock {
  Oid database;
  Oid sequence;
  Offset following;  // the next FenceBlock of the arena
  std::atomic<std::int64_t> next;
  std::atomic<std::int64_t> limit;
};

// The block of this database's sequence. Errors: 53200.
Offset fence_block(Oid sequence);

// Makes sure that the block covers every waiter and this arrival, taking another if not. An entry
// point of the arrival: no numpool lock held, may ereport.
void fence_cover_arrival(Offset block);

}  // namespace numpool
