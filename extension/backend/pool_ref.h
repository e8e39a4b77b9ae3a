// A backend's own view of a pool: where its live state was last seen, and what the open transaction
// did to it.
#pragma once

#include "backend/pool_roles.h"
#include "pg/pg.h"
#include "shared/pool_unlock.h"

namespace numpool {

// What the open transaction did to the definition. COMMIT applies it to the live pool, if there is
// one then. Before each change the undo log gets a record of these members. (PoolRef::growth is not
// one of them: it is kept until the transaction ends.)
struct DefinitionChange {
  bool created;  // the row is the open transaction's, and the pool is not yet published
  bool dropped;
  bool put_back;                 // and the row is there again
  std::int32_t size;             // 0: unchanged
  const char* name;              // nullptr: unchanged; lives as long as the transaction
  const OutList* out;            // the same
  const PoolSettings* settings;  // the same
  // What the newest version of the row says that the trigger has noted; nullptr: it has noted none.
  // Lives as long as the transaction.
  const char* noted_name;
  std::int32_t noted_size;
  OutList noted_out;
  const PoolSettings* noted_settings;
};

struct PoolRef {
  PoolKey key;  // NB: first, the key of the hash table
  char* name;
  char* json_name;            // quoted and escaped to ASCII, for notifications
  std::int32_t defined_size;  // as last read
  PoolRoles roles;            // as last read by name; nobody's until then
  Offset live;                // where the live pool was seen last; a hint (rule H1)
  std::uint64_t generation;
  std::uint32_t entries;  // of the ledger
  std::uint32_t held;     // of these, those known to be leases

  // Indexes released by the open transaction: what an acquire takes back first.
  std::uint64_t* releasing_words;
  std::uint32_t releasing_capacity;
  std::uint32_t releasing_count;

  DefinitionChange change;
  Growth* growth;  // reserved for a larger size, or nullptr
  // Reserved for numbers that are to be out of service, and for how many; or 0.
  Offset service_block;
  std::uint32_t service_room;
  char* old_name;  // before the open transaction renamed it, else nullptr
  char* old_json_name;
  SubTransactionId logged;  // of the newest undo record of `change`
  bool listed;              // on the list of changed pools
  PoolRef* next_changed;

  std::uint32_t deaths;  // leases of this session that ended badly with it
  PoolRef* next_with_deaths;
};

// Takes the lock of the live pool if there is one that has been loaded. Takes no heavyweight lock.
bool lock_ref(PoolRef* ref);
// The same, loaded or not.
bool lock_registered(PoolRef* ref);
inline LivePool* live_of(const PoolRef* ref) {
  return live_pool_at(ref->live);
}
inline void unlock_ref(const PoolRef* ref) {
  unlock_pool(live_of(ref));
}

// The set of indexes in `releasing_words`.
inline Bitmap releasing_set(PoolRef* ref) {
  return Bitmap(ref->releasing_words, ref->releasing_capacity);
}
// Makes room in it for `index`. May ereport 53200 (backend memory).
void reserve_releasing(PoolRef* ref, std::uint32_t index);

[[noreturn]] void report_uncommitted_change(const PoolRef* ref);

// What a backend keeps from one transaction to the next lies here.
MemoryContext backend_memory();

}  // namespace numpool
