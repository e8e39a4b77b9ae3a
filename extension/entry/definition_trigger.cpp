// The one path by which a change of a definition reaches the live pools, whoever changed the row:
// the functions, pg_restore, replication, a superuser. The trigger notes; COMMIT applies
// (definition_changes.cpp).

#include "backend/clerk_start.h"
#include "backend/definition_changes.h"
#include "backend/pool_cache.h"
#include "backend/pool_loading.h"
#include "backend/service_column.h"
#include "backend/timed_rows.h"
#include "backend/undo_log.h"
#include "entry/attach.h"
#include "pg/debug_point.h"
#include "shared/pool_memory.h"
#include "shared/registration.h"
#include "shared/registry.h"

namespace numpool {

namespace {

// Marks the change of a row that was `old` for undoing and for COMMIT, to which it is the only one.
PoolRef* begin_changing(const Definition& old) {
  lock_identity(old.identity, IdentityLock::kDefinition);
  PoolRef* ref = pool_ref(old);
  begin_change(ref);
  return ref;
}

// How many numbers the live pool has memory for, if somebody uses it now; else 0.
std::uint32_t capacity_in_use(PoolRef* ref) {
  if (!lock_registered(ref)) return 0;
  const Pool& pool = live_of(ref)->pool;
  const bool used = pool.in_use != 0 || pool.queue.length != 0;
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  unlock_ref(ref);
  return used ? capacity : 0;
}

// Who grows a pool that is in use is told at once where there is no memory for that. Whoever only
// repeats what was done elsewhere goes on, and COMMIT does what it can (D3).
void note_size(PoolRef* ref, std::int32_t size) {
  const std::uint32_t wanted = static_cast<std::uint32_t>(size);
  const std::uint32_t had = capacity_in_use(ref);
  debug_point(DebugPoint::kSizeNoted);
  if (had != 0 && wanted > had) {
    if (ref->growth == nullptr)
      ref->growth = static_cast<Growth*>(MemoryContextAllocZero(backend_memory(), sizeof(Growth)));
    if (!reserve_growth(*ref->growth, had, wanted) &&
        SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
      arena_report_full();
  }
  ref->change.size = size;
}

PoolSettings* keep_settings(const PoolSettings& settings) {
  return new (MemoryContextAlloc(TopTransactionContext, sizeof(PoolSettings)))
      PoolSettings(settings);
}

// Who sets something that takes the clerk is told where there is none to be had.
void see_to_clerk(const PoolSettings& settings) {
  if (!settings.wants_clerk()) return;
  if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
    require_clerk_later();
  else
    require_clerk();
}

void note_settings(PoolRef* ref, const PoolSettings& settings) {
  see_to_clerk(settings);
  ref->change.settings = keep_settings(settings);
}

void note_name(PoolRef* ref, const char* name) {
  keep_name(ref);
  ref->change.name = MemoryContextStrdup(TopTransactionContext, name);
}

// What is out of service, kept until the transaction ends.
OutList keep_out_list(const OutList& list) {
  if (list.count == 0) return {nullptr, 0, list.drained};
  void* indexes = MemoryContextAlloc(TopTransactionContext, service_bytes(list));
  memcpy(indexes, list.indexes, service_bytes(list));
  return {static_cast<std::uint16_t*>(indexes), list.count, list.drained};
}

// Room for it is found at once, as with note_size, if the pool is live.
void note_service(PoolRef* ref, const OutList& list) {
  OutList* kept = static_cast<OutList*>(MemoryContextAlloc(TopTransactionContext, sizeof(OutList)));
  *kept = keep_out_list(list);
  bool is_live = false;
  if (list.count > ref->service_room && lock_registered(ref)) {
    is_live = true;
    unlock_ref(ref);
  }
  if (is_live) {
    const Offset block = arena_try_allocate(service_bytes(list));
    if (block != 0) {
      arena_free(ref->service_block);
      ref->service_block = block;
      ref->service_room = list.count;
    } else if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA) {
      arena_report_full();
    }
  }
  ref->change.out = kept;
}

// Notes what the row says now, for who loads the pool before COMMIT (rule D4). After begin_change.
void note_version(PoolRef* ref, const Definition& newest) {
  DefinitionChange& change = ref->change;
  if (change.noted_name == nullptr || strcmp(change.noted_name, newest.name) != 0)
    change.noted_name = MemoryContextStrdup(TopTransactionContext, newest.name);
  change.noted_size = newest.size;
  if (!(change.noted_out == newest.out)) change.noted_out = keep_out_list(newest.out);
  if (change.noted_settings == nullptr || !(*change.noted_settings == newest.settings))
    change.noted_settings = keep_settings(newest.settings);
}

// The row as it was before what is to be noted now. False: the open transaction has made it, and
// that has not been noted yet.
bool read_base(std::int64_t identity, Definition* base) {
  const PoolRef* ref = known_pool(identity);
  if (ref == nullptr || ref->change.noted_name == nullptr)
    return read_own_change(identity, OwnVersion::kCommitted, base);
  base->identity = identity;
  base->size = ref->change.noted_size;
  base->name = ref->change.noted_name;
  base->own = true;
  base->out = ref->change.noted_out;
  base->settings = *ref->change.noted_settings;
  return true;
}

// Nobody else can see the new row, so no live pool of it can exist but one that this transaction
// loads. Exception: if it puts back a row that it has deleted, the old pool stays closing and goes
// at COMMIT.
void note_insert(const Definition& newest) {
  PoolRef* ref = pool_ref(newest);
  if (ref->change.dropped) {
    begin_change(ref);
    ref->change.put_back = true;
    return;
  }
  if (!ref->change.created) {
    // NB: the row that had this identity is gone, but the COMMIT or ROLLBACK callback that drops
    // its pool may not have run yet. Drop the pool here; that callback then finds nothing to drop.
    ref->live = find_live_pool(ref->key, &ref->generation);
    if (ref->live != 0) drop_live_pool(ref->live, ref->key, ref->generation);
  }
  // What another pool of this identity has left.
  delete_stale_rows_of(newest.identity);
  see_to_clerk(newest.settings);
  begin_change(ref);
  ref->change.created = true;
  note_version(ref, newest);
}

void note_update(Relation table, const Definition& newest) {
  Definition base;
  if (!read_base(newest.identity, &base)) {
    note_insert(newest);
    return;
  }
  const bool renamed = strcmp(base.name, newest.name) != 0;
  const bool serves_other = !(base.out == newest.out);
  const bool configured = !(base.settings == newest.settings);
  // The live pool has no part in a change of metadata.
  if (base.size == newest.size && !renamed && !serves_other && !configured) {
    PoolRef* ref = pool_ref(base);
    begin_change(ref);
    note_version(ref, newest);
    return;
  }
  PoolRef* ref = begin_changing(base);
  if (base.size != newest.size) note_size(ref, newest.size);
  if (serves_other) note_service(ref, newest.out);
  if (configured) note_settings(ref, newest.settings);
  if (renamed) {
    note_name(ref, newest.name);
    CacheInvalidateRelcache(table);
  }
  note_version(ref, newest);
}

void note_delete(Relation table, const Definition& deleted) {
  Definition base;
  if (!read_base(deleted.identity, &base)) base = deleted;
  PoolRef* ref = begin_changing(base);
  lock_ref_or_stub(ref, base);
  // If the row was put back and is deleted again, the pool is closing already.
  if (!ref->change.dropped) close_live_pool(*live_of(ref));
  unlock_ref(ref);
  ref->change.dropped = true;
  ref->change.noted_name = nullptr;
  // Waits for transactions that are leasing by token. New ones wait for this one, as it is closing.
  delete_timed_rows_of(deleted.identity);
  CacheInvalidateRelcache(table);
}

// What the open transaction has made of a row that it inserted or updated. Another trigger may have
// changed the row again before this one runs, and the event says nothing of that; so the row is
// read. Where it is gone, its deletion was noted by an event of its own.
void note_row(Relation table, bool inserted, std::int64_t identity) {
  Definition newest;
  if (!read_own_change(identity, OwnVersion::kNewest, &newest)) return;
  if (inserted)
    note_insert(newest);
  else
    note_update(table, newest);
}

// Backends that know the pool by its name have to read anew who may use and operate it.
void forget_roles(const TriggerData* trigger) {
  TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
  PoolRoles before;
  PoolRoles now;
  fill_roles(trigger->tg_trigtuple, descriptor, &before);
  fill_roles(trigger->tg_newtuple, descriptor, &now);
  if (!same_roles(before, now)) CacheInvalidateRelcache(trigger->tg_relation);
}

Datum on_change(TriggerData* trigger) {
  Relation table = trigger->tg_relation;
  TupleDesc descriptor = RelationGetDescr(table);
  if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot truncate the definitions of pools"),
                    errhint("Use numpool_drop, or DELETE.")));
  // Without a postmaster there is no live state to keep in step.
  if (!IsUnderPostmaster) return PointerGetDatum(trigger->tg_trigtuple);
  definitions_enter_table(RelationGetRelid(table));
  attach_backend(DT_NOEND);
  log_row_change();
  debug_point(DebugPoint::kRowWritten);

  HeapTuple written =
      TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
  bool is_null;
  const Datum out = heap_getattr(written, kColumnOutOfService, descriptor, &is_null);
  if (!is_null && !TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) check_out_of_service(out);

  Definition row;
  fill_definition(trigger->tg_trigtuple, descriptor, &row);
  if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
    note_delete(table, row);
  } else if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
    note_row(table, true, row.identity);
  } else {
    Definition changed;
    fill_definition(trigger->tg_newtuple, descriptor, &changed);
    if (row.identity != changed.identity)
      ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                      errmsg("the identity of a pool cannot be changed")));
    forget_roles(trigger);
    note_row(table, false, row.identity);
  }
  return PointerGetDatum(trigger->tg_trigtuple);
}

}  // namespace

}  // namespace numpool

extern "C" {
PG_FUNCTION_INFO_V1(numpool_definition_changed);

PGDLLEXPORT Datum numpool_definition_changed(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("numpool_definition_changed was not called by a trigger")));
  return numpool::on_change(reinterpret_cast<TriggerData*>(fcinfo->context));
}
}
