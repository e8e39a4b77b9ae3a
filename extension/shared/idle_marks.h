// Since when a pool has had no lease, waiter or rest, by the monotonic clock, live or not. What is
// told is never too early; of a pool that is not live it may be too late, as several have one mark.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// The ephemeral pool of that key, which is not live any more or not yet, was last in use at that
// time. Takes no lock; cannot fail.
void note_use(const PoolKey& key, std::int64_t monotonic);

constexpr std::int64_t kInUse = INT64_MAX;

// Of the pool, which is locked, by a row with that setting. kInUse: it is, or may be.
std::int64_t idle_since(const LivePool& live);
// Of one that is not live, with these settings. `noted_at`: when its database was first met.
std::int64_t idle_since_unloaded(const PoolKey& key, const PoolSettings& settings,
                                 std::int64_t noted_at);

// Where the last look at the ephemeral pools of a database ended, and when the database was first
// met. False: nobody has met it yet.
struct EphemeralLook {
  std::int64_t noted_at;
  std::int64_t seen;
};
bool read_ephemeral_look(Oid database, Oid table, EphemeralLook* look);
void note_ephemeral_look(Oid database, std::int64_t seen);

}  // namespace numpool
