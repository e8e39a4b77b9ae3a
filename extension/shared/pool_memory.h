// The memory of pools: found before any lock is taken, given back after. Where there is none left,
// idle pools are evicted for it, so that every allocation in the arena goes through here.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// `size` zeroed bytes, or 0 when the segment is full even after idle pools were evicted. Call it
// with no numpool lock held.
Offset arena_try_allocate(std::size_t size);
// The same, or ereport 53200.
Offset arena_allocate(std::size_t size);

// The same for the record of a ticket's waiter. Counted, so that fences are kept for each (F2).
Offset try_allocate_waiter();
// Takes what it gave, or 0. Cannot fail.
void free_waiter(Offset waiter);
// How many this session has.
int own_waiter_records();

// What a new pool needs.
struct PoolParts {
  Offset header;
  Offset name;
  Offset service;  // room for the numbers that are out of service, if there are any
  Offset fences;   // a FenceRecord, with a use of it
  Growth growth;
};

// Finds the parts, with slots for `capacity` numbers if that is more than the size. If memory is
// missing, returns false with some of them found; free_parts frees those.
bool find_parts(PoolParts& parts, const Definition& definition, std::uint32_t capacity);
// Cannot fail.
void free_parts(PoolParts& parts);

// Frees what a pool that is out of the registry and kDropped owns, and its header. Cannot fail.
void take_apart(Offset offset);

// Finds the memory that a pool of `size` has beyond one of `had`, but for what is in `growth`
// already. False, and `growth` is as it was, if there is not so much.
bool reserve_growth(Growth& growth, std::uint32_t had, std::uint32_t size);
void free_growth(Growth& growth);

// Gives the pool a histogram of waits, if it has none and there is memory for it. No numpool lock
// held; cannot fail.
void add_wait_histogram(Offset offset, const PoolKey& key, std::uint64_t generation);

// Whether nothing would be lost with the live pool. The pool is locked.
bool is_idle(const LivePool& live);
// Evicts some pools without leases and waiters, or, where there are none, pools of a database that
// was dropped. False if there was none. No numpool lock held; cannot fail.
bool evict_idle_pools();
// Evicts some pools of a database that was dropped, in which tokens may have something. The same
// for the rest.
bool evict_pools_of_gone_database();

}  // namespace numpool
