#include "backend/definition_changes.h"

#include "backend/pool_cache.h"
#include "backend/undo_log.h"
#include "pg/debug_point.h"
#include "shared/idle_marks.h"
#include "shared/pool_growth.h"
#include "shared/pool_memory.h"
#include "shared/pool_unlock.h"
#include "shared/registration.h"
#include "shared/session.h"

namespace numpool {

namespace {

PoolRef* changed_refs = nullptr;

bool is_empty(const DefinitionChange& change) {
  return !change.created && !change.dropped && change.size == 0 && change.name == nullptr &&
         change.out == nullptr && change.settings == nullptr;
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

// Whether the live pool is of the row that the open transaction has made, and as the row is. The
// pool is locked.
bool is_of_own_row(const PoolRef* ref) {
  const DefinitionChange& change = ref->change;
  if (!change.created || change.noted_name == nullptr) return false;
  const Definition row = {ref->key.identity, change.noted_size,     change.noted_name, true, {},
                          change.noted_out,  *change.noted_settings};
  return matches_definition(*live_of(ref), row);
}

// Undoes the INSERT of the row, or a change of it: drops the pool that the transaction made, if
// anybody has loaded it from what is undone. Whatever was leased of it is undone already.
void drop_unpublished(PoolRef* ref) {
  // NB: the pool may still be kLoading; and another transaction may have made a pool of the same
  // identity by now, which is not ours to drop.
  if (!lock_registered(ref)) return;
  const bool goes = live_of(ref)->maker == my_session_id() && !is_of_own_row(ref);
  unlock_ref(ref);
  if (goes) drop_live_pool(ref->live, ref->key, ref->generation);
}

// Gives the pool, which is locked, its new name. With `*block`, memory for it, or 0, in which case
// the views have to ask the row; what it does not need any more is left in `*block`.
void set_name(LivePool* live, const char* name, Offset* block) {
  const std::size_t length = strlen(name);
  const bool has_room = *block != 0;
  live->name_length = has_room ? static_cast<std::uint32_t>(length) : 0;
  if (!has_room) return;
  std::swap(live->name, *block);
  memcpy(region().at<char>(live->name), name, length);
}

// Room for the numbers that are out of service from now on: what was reserved, if that is enough,
// or what there is.
Offset take_service_block(PoolRef* ref, const OutList& out) {
  if (out.count == 0) return 0;
  if (ref->service_room < out.count) return arena_try_allocate(service_bytes(out));
  const Offset block = ref->service_block;
  ref->service_block = 0;
  ref->service_room = 0;
  return block;
}

// Whoever loads the pool, or does not, knows by that when it was made, or made ephemeral.
void note_ephemeral(const PoolRef* ref) {
  const DefinitionChange& change = ref->change;
  const bool is_ephemeral = change.noted_name != nullptr && change.noted_settings->ephemeral != 0;
  if (is_ephemeral || change.put_back) note_use(ref->key, monotonic_now());
}

// Applies what the transaction did to a definition. There need not be a live pool, now or at any
// time: whoever registers one after this reads the row as the transaction has left it (D4). What
// memory is there, is taken; nothing depends on it.
void apply_change(PoolRef* ref) {
  note_ephemeral(ref);
  const DefinitionChange change = ref->change;
  ref->change = {};
  if (change.dropped) {
    drop_live_pool(ref->live, ref->key, ref->generation);
    return;
  }
  if (is_empty(change) || !lock_registered(ref)) return;
  unlock_ref(ref);
  Offset name_block = change.name == nullptr ? 0 : arena_try_allocate(strlen(change.name));
  Offset service_block = change.out == nullptr ? 0 : take_service_block(ref, *change.out);
  // NB: one that an error left kLoading is to be published, and to follow its row, too.
  if (lock_registered(ref)) {
    LivePool* live = live_of(ref);
    if (live->maker == my_session_id()) live->maker = 0;
    if (change.name != nullptr) set_name(live, change.name, &name_block);
    WakeList wake;
    if (change.out != nullptr) {
      set_service(*live, *change.out, &service_block);
      wake_sole_holder(*live, wake);
    }
    if (change.size != 0) live->defined_size = static_cast<std::uint32_t>(change.size);
    if (change.settings != nullptr)
      pool_configure(region(), live->pool, *change.settings, GetCurrentTimestamp(),
                     monotonic_now());
    unlock_pool(live);
    wake_all(wake);
    debug_point(DebugPoint::kServiceSet);
    if (change.size != 0) catch_up(ref->live, ref->key, ref->generation, ref->growth);
    if (change.out != nullptr) serve_waiters(ref->live, ref->key, ref->generation);
    // What has rested long enough by the new settings is given back, what was held too long ends.
    if (change.settings != nullptr) end_all_due(ref->live, ref->key, ref->generation);
  }
  arena_free(name_block);
  arena_free(service_block);
}

}  // namespace

void begin_change(PoolRef* ref) {
  log_definition(ref);
  if (ref->listed) return;
  ref->listed = true;
  ref->next_changed = changed_refs;
  changed_refs = ref;
}

void restore_change(PoolRef* ref, const DefinitionChange& before) {
  const DefinitionChange undone = ref->change;
  ref->change = before;
  if (undone.dropped && !before.dropped) reopen_pool(ref);
  if (before.name == nullptr) end_renaming(ref, false);
  if (undone.created) drop_unpublished(ref);
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
    arena_free(ref->service_block);
    ref->service_block = 0;
    ref->service_room = 0;
    if (ref->growth != nullptr) {
      free_growth(*ref->growth);
      pfree(ref->growth);
      ref->growth = nullptr;
    }
  }
}

}  // namespace numpool
