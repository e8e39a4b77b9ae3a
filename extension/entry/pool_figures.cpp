#include "entry/pool_figures.h"

#include "core/slot.h"
#include "shared/arena.h"

namespace numpool {

PoolMoment moment_of(const Definition& definition) {
  PoolMoment moment = {};
  moment.size = static_cast<std::uint32_t>(definition.size);
  moment.drained = definition.out.drained;
  // What rests is counted as resting, be it in service or not.
  if (rest_left_after_start(definition.settings) > 0) {
    moment.resting = moment.size;
    return moment;
  }
  for (std::uint32_t i = 0; i < definition.out.count; ++i)
    if (definition.out.indexes[i] < moment.size) ++moment.out_of_service;
  if (moment.drained) moment.out_of_service = moment.size;
  moment.free = moment.size - moment.out_of_service;
  return moment;
}

PoolMoment moment_of(LivePool& live) {
  Pool& pool = live.pool;
  PoolMoment moment = {};
  moment.loaded = true;
  moment.size = pool.size;
  moment.in_use = pool.in_use;
  moment.free = pool.free;
  moment.waiting = pool.queue.length;
  moment.timed = pool.tokens.timed;
  moment.drained = pool.out.drained;
  moment.resting = pool.resting;
  // By I2, without a look at each number: in_use and resting also count what is above the size.
  moment.out_of_service = pool.size - pool.free - pool.in_use - pool.resting;
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  for (std::uint32_t index = pool.size; index < capacity; ++index)
    if (!is_available(pool.slot(region(), index))) ++moment.out_of_service;
  return moment;
}

}  // namespace numpool
