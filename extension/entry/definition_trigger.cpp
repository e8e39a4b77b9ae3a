// The one path by which a change of a definition reaches the live pools, whoever changed the row:
// the functions, pg_restore, replication, a superuser. The trigger notes; COMMIT applies
// (definition_changes.cpp).

#include "shared/arena.h"
#include "backend/definition_changes.h"
#include "backend/undo_log.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace numpool {

namespace {

// Pins the live pool of the row as others see it, and locks it; marks the change for undoing.
PoolRef* lock_changed(const Definition& old, Extent extent) {
  lock_identity(old.identity, IdentityLock::kDefinition);
  PoolRef* ref = pool_ref(old);
  begin_change(ref);
  lock_ref_as(ref, old, extent);
  pin_live_pool(ref);
  return ref;
}

// The pool is locked on entry, and unlocked on the way out.
void note_size(PoolRef* ref, std::int32_t size) {
  const Pool& pool = live_of(ref)->pool;
  const std::uint32_t chunk_count = pool.chunk_count;
  const std::uint32_t bitmap_capacity = pool.bitmap_capacity;
  unlock_ref(ref);
  debug_point(DebugPoint::kPinned);
  if (ref->growth == nullptr)
    ref->growth = static_cast<Growth*>(MemoryContextAllocZero(backend_memory(), sizeof(Growth)));
  reserve_growth(*ref->growth, chunk_count, bitmap_capacity, static_cast<std::uint32_t>(size));
  ref->change.size = size;
}

void note_name(PoolRef* ref, const char* name) {
  keep_name(ref);
  if (ref->name_block == 0)
    ref->name_block = arena_allocate(kMaxNameLength * MAX_MULTIBYTE_CHAR_LEN);
  ref->change.name = MemoryContextStrdup(TopTransactionContext, name);
}

// Nobody else can see the row, so there is no live pool of it but what this transaction makes;
// except where it puts back a row that it deleted: that pool stays closing, and goes at COMMIT.
void note_insert(const Definition& fresh) {
  PoolRef* ref = pool_ref(fresh);
  if (ref->change.dropped) return;
  // NB: a row of the same identity is gone, but the callback of the transaction that ended it may
  // still have to run; what that finds dropped, it leaves alone.
  ref->live = find_live_pool(ref->key, &ref->generation);
  if (ref->live != 0) drop_live_pool(ref->live, ref->key, ref->generation);
  begin_change(ref);
  ref->change.created = true;
  ref->change.row = fresh.row;
}

void note_update(Relation table, const Definition& old, const Definition& fresh) {
  if (old.identity != fresh.identity)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("the identity of a pool cannot be changed")));
  const bool renamed = strcmp(old.name, fresh.name) != 0;
  // Metadata are no part of the live pool.
  if (old.size == fresh.size && !renamed) {
    PoolRef* ref = pool_ref(old);
    begin_change(ref);
    ref->change.row = fresh.row;
    return;
  }
  PoolRef* ref = lock_changed(old, Extent::kWhole);
  ref->change.row = fresh.row;
  if (old.size != fresh.size)
    note_size(ref, fresh.size);
  else
    unlock_ref(ref);
  if (renamed) {
    note_name(ref, fresh.name);
    CacheInvalidateRelcache(table);
  }
}

void note_delete(Relation table, const Definition& old) {
  PoolRef* ref = lock_changed(old, Extent::kHeader);
  // A row put back and deleted again closes nothing anew: the first deletion is the one that lasts.
  if (!ref->change.dropped) close_live_pool(*live_of(ref));
  unlock_ref(ref);
  ref->change.dropped = true;
  CacheInvalidateRelcache(table);
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
  arena_attach();
  log_row_change();
  debug_point(DebugPoint::kRowWritten);

  Definition old;
  if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)) {
    Definition fresh;
    fill_definition(trigger->tg_trigtuple, descriptor, &old);
    fill_definition(trigger->tg_newtuple, descriptor, &fresh);
    note_update(table, old, fresh);
  } else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event)) {
    fill_definition(trigger->tg_trigtuple, descriptor, &old);
    note_delete(table, old);
  } else {
    fill_definition(trigger->tg_trigtuple, descriptor, &old);
    note_insert(old);
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
