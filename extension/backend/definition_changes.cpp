#include "backend/definition_changes.h"

#include "backend/pool_cache.h"
#include "backend/undo_log.h"
#include "pg/debug_point.h"
#include "shared/pool_memory.h"
#include "shared/registration.h"
#include "shared/session.h"

namespace numpool {

namespace {

PoolRef* changed_refs = nullptr;

bool is_empty(const DefinitionChange& change) {
  return !change.created && !change.dropped && change.size == 0 && change.name == nullptr;
}

void unpin_live_pool(PoolRef* ref) {
  const Offset pinned = ref->pinned;
  ref->pinned = 0;
  // NB: not lock_ref, which may find another pool that has this identity by now, with pins of
  // others.
  if (!lock_pool(pinned, ref->key, ref->pinned_generation)) return;
  --live_pool_at(pinned)->pins;
  unlock_pool(live_pool_at(pinned));
}

// Undoes the deletion of the row: the live pool takes arrivals again.
void reopen_pool(PoolRef* ref) {
  if (!lock_ref(ref)) return;
  LivePool* live = live_of(ref);
  const bool stub = is_stub(*live);
  // NB: a stub stays closing until it is dropped; or arrivals would take it for a pool of size 0.
  if (!stub) {
    live->closing = InvalidTransactionId;
    live->closed_by = 0;
  }
  unlock_pool(live);
  if (stub) drop_live_pool(ref->live, ref->key, ref->generation);
}

// Undoes the INSERT of the row: drops the pool that the transaction made, if anybody has loaded it.
void drop_unpublished(PoolRef* ref) {
  // NB: the pool may still be kLoading; and another transaction may have made a pool of the same
  // identity by now, which is not ours to drop.
  if (!lock_registered(ref)) return;
  const bool is_mine = live_of(ref)->maker == my_session_id();
  unlock_ref(ref);
  if (is_mine) drop_live_pool(ref->live, ref->key, ref->generation);
}

// Applies what the transaction did to a definition.
void apply_change(PoolRef* ref) {
  const DefinitionChange change = ref->change;
  ref->change = {};
  if (change.dropped) {
    drop_live_pool(ref->live, ref->key, ref->generation);
    return;
  }
  // NB: lock_registered, because a pool that an error left kLoading has to be published, too.
  if (is_empty(change) || !lock_registered(ref)) return;
  LivePool* live = live_of(ref);
  if (live->maker == my_session_id()) live->maker = 0;
  Offset old_name = 0;
  if (change.name != nullptr) {
    old_name = live->name;
    live->name = ref->name_block;
    live->name_length = static_cast<std::uint32_t>(strlen(change.name));
    memcpy(region().at<char>(live->name), change.name, live->name_length);
    ref->name_block = 0;
  }
  WakeList wake;
  if (change.size != 0) {
    pool_resize(region(), live->pool, static_cast<std::uint32_t>(change.size), *ref->growth);
    // A shrink may have left every number to one session. If that one sleeps in the queue, it waits
    // for itself: wake it, so that it looks.
    const SessionId sole =
        live->pool.queue.length == 0 ? 0 : pool_sole_holder(region(), live->pool);
    if (sole != 0) wake.add(sole, WaiterKind::kBlocking);
  }
  unlock_pool(live);
  wake_all(wake);
  arena_free(old_name);
  debug_point(DebugPoint::kResized);
  if (change.size != 0) serve_waiters(ref->live, ref->key, ref->generation);
}

}  // namespace

void begin_change(PoolRef* ref) {
  log_definition(ref);
  if (ref->listed) return;
  ref->listed = true;
  ref->next_changed = changed_refs;
  changed_refs = ref;
}

void pin_live_pool(PoolRef* ref) {
  if (ref->pinned == ref->live && ref->pinned_generation == ref->generation) return;
  ref->pinned = ref->live;
  ref->pinned_generation = ref->generation;
  ++live_of(ref)->pins;
}

void restore_change(PoolRef* ref, const DefinitionChange& before) {
  const DefinitionChange undone = ref->change;
  ref->change = before;
  if (undone.dropped && !before.dropped) reopen_pool(ref);
  if (before.name == nullptr) end_renaming(ref, false);
  // NB: keep the pin until the transaction ends. Even after this rollback to a savepoint our row
  // may differ from the committed one.
  if (undone.created && !before.created) {
    definitions_forget_names();
    drop_unpublished(ref);
  }
}

void finish_changes(bool commit) {
  while (changed_refs != nullptr) {
    PoolRef* ref = changed_refs;
    changed_refs = ref->next_changed;
    ref->listed = false;
    ref->logged = InvalidSubTransactionId;
    debug_point(DebugPoint::kApplying);
    if (commit) apply_change(ref);
    end_renaming(ref, commit);
    unpin_live_pool(ref);
    if (ref->growth != nullptr) {
      free_growth(*ref->growth);
      pfree(ref->growth);
      ref->growth = nullptr;
    }
    arena_free(ref->name_block);
    ref->name_block = 0;
  }
}

}  // namespace numpool
