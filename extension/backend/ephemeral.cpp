#include "backend/ephemeral.h"

#include "backend/definition_changes.h"
#include "backend/definition_lock.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/timed_rows.h"
#include "pg/compat.h"
#include "pg/debug_point.h"
#include "pg/subtransaction.h"
#include "shared/idle_marks.h"
#include "shared/registration.h"
#include "shared/registry.h"

namespace numpool {

namespace {

constexpr int kMaxDrops = 16;
// That one look goes through at most: rows, and versions of rows that nobody sees any more.
constexpr int kMaxRows = 64;
constexpr int kMaxVersions = 1024;

// A pool that seems to be for dropping, by a committed version of its row.
struct Unused {
  Definition definition;  // without what is out of service
  std::int64_t noted_at;
};

struct Look {
  EphemeralLook from;
  std::int64_t until;  // identities above are not for this scan
  std::int64_t seen;
  int rows_left = kMaxRows;
  int versions_left = kMaxVersions;
  Oid extension_owner;
  MemoryContext memory;
  int count = 0;
  Unused found[kMaxDrops];
};

bool is_long_enough(std::int64_t since, const PoolSettings& settings) {
  // NB: it may be later than now, while numbers would rest.
  return settings.ephemeral != 0 && since != kInUse &&
         monotonic_now() - since >= settings.ephemeral;
}

// A guess, as the pool is unlocked again.
bool seems_unused(const Definition& row, std::int64_t noted_at) {
  const PoolKey key = pool_key(row.identity);
  std::uint64_t generation;
  const Offset live = find_live_pool(key, &generation);
  std::int64_t since = idle_since_unloaded(key, row.settings, noted_at);
  if (live != 0) {
    if (!lock_pool(live, key, generation)) return false;
    since = idle_since(*live_pool_at(live));
    unlock_pool(live_pool_at(live));
  }
  return is_long_enough(since, row.settings);
}

// Whether the transaction that has written this version, which is over for all who look, has also
// brought it to the live pool, and to the marks of those that are not live.
bool is_applied(HeapTuple row) {
  const TransactionId writer = HeapTupleHeaderGetXmin(row->t_data);
  return !TransactionIdIsNormal(writer) || compat::ConditionalXactLockTableWait(writer, false);
}

void look_at_row(HeapTuple row, TupleDesc descriptor, Look& look) {
  Definition definition;
  fill_definition(row, descriptor, &definition);
  if (definition.own || definition.settings.ephemeral == 0 ||
      !seems_unused(definition, look.from.noted_at) || !is_applied(row))
    return;
  PoolRoles roles;
  fill_roles(row, descriptor, &roles);
  if (!is_operator(roles.owner, look.extension_owner)) return;
  definition.name = MemoryContextStrdup(look.memory, definition.name);
  definition.out = {};
  look.found[look.count++] = {definition, look.from.noted_at};
}

bool visit(HeapTuple version, TupleDesc descriptor, bool is_visible, void* state) {
  Look& look = *static_cast<Look*>(state);
  bool is_null;
  const std::int64_t identity =
      DatumGetInt64(heap_getattr(version, kColumnIdentity, descriptor, &is_null));
  if (identity > look.until) return false;
  look.seen = identity;
  if (is_visible) {
    --look.rows_left;
    look_at_row(version, descriptor, look);
  }
  return --look.versions_left > 0 && look.rows_left > 0 && look.count < kMaxDrops;
}

// Looks at the rows after those of the last look, and from the first one on when these are over.
// So all come to be looked at, however many of them are in use.
void find_unused(Look& look) {
  look.until = INT64_MAX;
  look.seen = look.from.seen;
  const std::int64_t before = look.from.seen;
  if (!scan_ephemeral_definitions(before, visit, &look)) return;
  if (before != 0 && look.versions_left > 0 && look.rows_left > 0 && look.count < kMaxDrops) {
    look.until = before;
    scan_ephemeral_definitions(0, visit, &look);
  }
  if (look.versions_left < kMaxVersions) note_ephemeral_look(MyDatabaseId, look.seen);
}

[[noreturn]] void leave_it() {
  ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg_internal("the pool is in use")));
}

// Locks the version of the row that was looked at, and all else that dropping it would wait for:
// only what is free at once.
void lock_all(const Definition& row) {
  ItemPointerData version = row.row;
  const StatementArgument arguments[] = {bigint_value(row.identity),
                                         {PointerGetDatum(&version), TIDOID, false}};
  const bool is_locked = write_definitions(
                             "SELECT FROM %s AS d WHERE d.identity OPERATOR(pg_catalog.=) $1 AND "
                             "d.ctid OPERATOR(pg_catalog.=) $2 FOR UPDATE SKIP LOCKED",
                             arguments) == 1 &&
                         try_lock_identity(row.identity, IdentityLock::kDefinition) &&
                         try_lock_identity(row.identity, IdentityLock::kUser) &&
                         try_lock_identity(row.identity, IdentityLock::kRows) && lock_timed_table();
  if (!is_locked) leave_it();
}

// Registers a stub, which is closing, for a pool that is not live and has not been used.
void close_unloaded(PoolRef* ref, const Unused& unused) {
  const PoolSettings& settings = unused.definition.settings;
  if (!is_long_enough(idle_since_unloaded(ref->key, settings, unused.noted_at), settings))
    leave_it();
  Definition stub = unused.definition;
  stub.size = 0;
  ref->live = register_live_pool(ref->key, stub, 0, &ref->generation);
  if (!lock_registered(ref)) leave_it();
  // NB: another may have loaded it first, or have used it and evicted it in between.
  const bool is_mine =
      is_stub(*live_of(ref)) && live_of(ref)->closing == GetCurrentTransactionIdIfAny();
  ref->change.dropped = is_mine;
  unlock_ref(ref);
  if (!is_mine ||
      !is_long_enough(idle_since_unloaded(ref->key, settings, unused.noted_at), settings))
    leave_it();
}

// The pool is closing from now on, if it is unused still: both under one lock. A rollback reopens
// it.
void close_unused(const Unused& unused) {
  PoolRef* ref = pool_ref(unused.definition);
  begin_change(ref);
  if (!lock_registered(ref)) {
    close_unloaded(ref, unused);
    return;
  }
  const bool closes = is_long_enough(idle_since(*live_of(ref)), unused.definition.settings);
  if (closes) {
    close_live_pool(*live_of(ref));
    ref->change.dropped = true;
  }
  unlock_ref(ref);
  if (!closes) leave_it();
}

// In a subtransaction of its own.
void drop_one(void* argument) {
  const Unused& unused = *static_cast<const Unused*>(argument);
  lock_all(unused.definition);
  debug_point(DebugPoint::kUnusedSeen);
  close_unused(unused);
  debug_point(DebugPoint::kClosing);
  const StatementArgument arguments[] = {bigint_value(unused.definition.identity)};
  if (write_definitions("DELETE FROM %s WHERE identity OPERATOR(pg_catalog.=) $1", arguments) != 1)
    leave_it();
}

// False: something is wrong that may well be wrong with the next one, too.
bool try_to_drop(Unused& unused) {
  ErrorData* error = in_subtransaction(drop_one, nullptr, &unused);
  if (error == nullptr) return true;
  if (error->sqlerrcode == ERRCODE_QUERY_CANCELED) ReThrowError(error);
  const bool is_used = error->sqlerrcode == ERRCODE_OBJECT_IN_USE;
  if (!is_used)
    ereport(LOG, (errmsg("could not drop the ephemeral pool \"%s\"", unused.definition.name),
                  errdetail_internal("%s", error->message)));
  FreeErrorData(error);
  return is_used;
}

}  // namespace

void drop_unused_pools() {
  // What is deleted here would conflict with what others have read.
  if (IsolationIsSerializable()) return;
  Look look;
  if (!read_ephemeral_look(MyDatabaseId, definitions_relation(), &look.from)) return;
  look.extension_owner = definitions_owner();
  look.memory = CurrentMemoryContext;
  find_unused(look);
  for (int i = 0; i < look.count; ++i)
    if (!try_to_drop(look.found[i])) return;
}

}  // namespace numpool
