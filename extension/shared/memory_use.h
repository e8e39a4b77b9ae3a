// How full the arena is.
#pragma once

#include "pg/pg.h"

namespace numpool {

struct MemoryUse {
  std::int64_t size;          // bytes of the segment
  std::int64_t free;          // bytes that anything may have
  std::int64_t idle;          // bytes of pools that nobody uses: they go when room is needed
  std::int32_t largest_pool;  // numbers of the largest pool that there is room for
  std::int32_t pools;         // live ones, of all databases
  std::int32_t most_pools;    // that there may be
  std::int64_t tickets;       // records of tickets that wait
  std::int64_t more_tickets;  // that there is room for
};

// Takes numpool's locks one after the other, so the figures may be of moments that differ. Cannot
// fail.
MemoryUse memory_use();

}  // namespace numpool
