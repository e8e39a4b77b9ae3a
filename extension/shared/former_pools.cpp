#include "shared/former_pools.h"

#include "shared/database_record.h"
#include "shared/pool_memory.h"
#include "shared/registration.h"
#include "shared/registry.h"

namespace numpool {

namespace {

// Calls `visit` for each registered pool of the database until it returns false. Under the registry
// lock.
template <typename Visit>
void visit_pools(Oid database, Visit visit) {
  const Offset* chains = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b)
    for (Offset at = chains[b]; at != 0; at = live_pool_at(at)->next)
      if (live_pool_at(at)->key.database == database && !visit(at)) return;
}

constexpr int kMaxTables = 16;

// The tables that the database's pools are of, at most kMaxTables.
int list_tables(Oid database, Oid* tables) {
  int count = 0;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  visit_pools(database, [&](Offset at) {
    const Oid table = live_pool_at(at)->key.relation;
    for (int i = 0; i < count; ++i)
      if (tables[i] == table) return true;
    tables[count++] = table;
    return count < kMaxTables;
  });
  LWLockRelease(&arena().registry_lock);
  return count;
}

struct FoundPool {
  Offset live;
  PoolKey key;
  std::uint64_t generation;
};

constexpr int kBatch = 64;

// Pools of the table, at most kBatch.
int list_pools(Oid database, Oid table, FoundPool* pools) {
  int count = 0;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  visit_pools(database, [&](Offset at) {
    const LivePool* live = live_pool_at(at);
    if (live->key.relation == table) pools[count++] = {at, live->key, live->generation};
    return count < kBatch;
  });
  LWLockRelease(&arena().registry_lock);
  return count;
}

void drop_pools_of(Oid database, Oid table) {
  FoundPool pools[kBatch];
  int count;
  do {
    count = list_pools(database, table, pools);
    for (int i = 0; i < count; ++i)
      drop_live_pool(pools[i].live, pools[i].key, pools[i].generation);
  } while (count == kBatch);
}

// Of a database that is no more: no session has outlived it, but timed leases have.
void drop_pools_of_database(Oid database) {
  Oid tables[kMaxTables];
  int count;
  do {
    count = list_tables(database, tables);
    for (int i = 0; i < count; ++i) drop_pools_of(database, tables[i]);
  } while (count == kMaxTables);
}

}  // namespace

void drop_pools_of_gone_tables(Oid database, bool (*is_gone)(Oid table)) {
  Oid tables[kMaxTables];
  const int count = list_tables(database, tables);
  for (int i = 0; i < count; ++i)
    if (is_gone(tables[i])) drop_pools_of(database, tables[i]);
}

bool is_noted_database(Oid database, std::uint64_t stamp, Oid table) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const DatabaseRecord* record = find_database_record(database);
  const bool is_noted = record != nullptr && record->stamp == stamp && record->table == table;
  LWLockRelease(&arena().registry_lock);
  return is_noted;
}

void note_database(Oid database, std::uint64_t stamp, Oid table, bool (*is_gone)(Oid table)) {
  if (is_noted_database(database, stamp, table)) return;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const DatabaseRecord* record = find_database_record(database);
  const bool is_other = record != nullptr && record->stamp != stamp;
  LWLockRelease(&arena().registry_lock);
  // NB: before the record says so, or a second session would believe that it is done.
  if (is_other) drop_pools_of_database(database);
  drop_pools_of_gone_tables(database, is_gone);

  const Offset spare = arena_allocate(sizeof(DatabaseRecord));
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  DatabaseRecord* current = find_database_record(database);
  const bool is_new = current == nullptr;
  if (is_new) {
    current = region().at<DatabaseRecord>(spare);
    current->database = database;
    current->next = arena().databases;
    arena().databases = spare;
  }
  if (current->stamp != stamp) current->loaded = InvalidOid;
  current->noted_at = monotonic_now();
  current->ephemeral_seen = 0;
  current->stamp = stamp;
  current->tablespace = MyDatabaseTableSpace;
  current->table = table;
  LWLockRelease(&arena().registry_lock);
  if (!is_new) arena_free(spare);
}

bool timed_leases_are_live(Oid database, Oid table) {
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const DatabaseRecord* record = find_database_record(database);
  const bool are = record != nullptr && record->loaded == table;
  LWLockRelease(&arena().registry_lock);
  return are;
}

void note_timed_leases_live(Oid database, Oid table) {
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  find_database_record(database)->loaded = table;
  LWLockRelease(&arena().registry_lock);
}

}  // namespace numpool
