#include "shared/idle_marks.h"

#include "core/idle_time.h"
#include "shared/database_record.h"

namespace numpool {

namespace {

std::atomic<std::int64_t>& mark_of(const PoolKey& key) {
  std::uint64_t hash = static_cast<std::uint64_t>(key.identity) * 0x9e3779b97f4a7c15u;
  hash ^= (std::uint64_t{key.database} << 32 | key.relation) * 0xbf58476d1ce4e5b9u;
  static_assert((kIdleMarks & (kIdleMarks - 1)) == 0, "a power of two");
  return arena().idle_marks[(hash >> 32) & (kIdleMarks - 1)];
}

}  // namespace

void note_use(const PoolKey& key, std::int64_t monotonic) {
  std::atomic<std::int64_t>& mark = mark_of(key);
  std::int64_t seen = mark.load();
  while (seen < monotonic && !mark.compare_exchange_weak(seen, monotonic)) {
  }
}

std::int64_t idle_since(const LivePool& live) {
  // NB: a pool that has just been made ephemeral does not know since when it has been idle.
  const bool may_be_used = live.state != LiveState::kLive || live.maker != 0 ||
                           live.closing != InvalidTransactionId || !is_unused(live.pool) ||
                           live.pool.idle_since == 0;
  return may_be_used ? kInUse : live.pool.idle_since;
}

std::int64_t idle_since_unloaded(const PoolKey& key, const PoolSettings& settings,
                                 std::int64_t noted_at) {
  // Its numbers would rest until then if somebody loaded it.
  const std::int64_t rested = arena().made_at + settings.death_delay;
  return Max(Max(mark_of(key).load(), noted_at), settings.death_delay == 0 ? 0 : rested);
}

bool read_ephemeral_look(Oid database, Oid table, EphemeralLook* look) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const DatabaseRecord* record = find_database_record(database);
  const bool is_met = record != nullptr && record->table == table;
  if (is_met) *look = {record->noted_at, record->ephemeral_seen};
  LWLockRelease(&arena().registry_lock);
  return is_met;
}

void note_ephemeral_look(Oid database, std::int64_t seen) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  DatabaseRecord* record = find_database_record(database);
  if (record != nullptr) record->ephemeral_seen = seen;
  LWLockRelease(&arena().registry_lock);
}

}  // namespace numpool
