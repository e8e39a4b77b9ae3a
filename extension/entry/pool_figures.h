// What a pool is like at one moment, loaded or not: the figures that numpool_show_pools and
// numpool_show_counters share.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

struct PoolMoment {
  bool loaded;
  std::uint32_t size;
  std::uint32_t in_use;
  std::uint32_t free;
  std::uint32_t waiting;
  std::uint32_t timed;
  std::uint32_t out_of_service;  // below the size, in nobody's hands and not at rest
  bool drained;
  std::uint32_t resting;
};

// Of a pool that is not loaded: as it would be found if somebody used it now.
PoolMoment moment_of(const Definition& definition);
// Of a live pool, whose lock is held.
PoolMoment moment_of(LivePool& live);

}  // namespace numpool
