#include "pending.h"

#include "undo_log.h"

namespace numpool {

namespace {

PoolRef* changed_refs = nullptr;

bool is_empty(const PendingChange& change) {
  return !change.created && !change.dropped && change.size == 0 && change.name == 0;
}

void unpin_live_pool(PoolRef* ref) {
  if (!ref->pinned) return;
  ref->pinned = false;
  if (!lock_ref(ref)) return;
  --live_of(ref)->pins;
  unlock_ref(ref);
}

// Applies what the transaction did to a definition.
void apply_change(PoolRef* ref) {
  const PendingChange change = ref->change;
  ref->change = {};
  if (change.dropped) {
    arena_free(change.name);
    ref->pinned = false;
    drop_live_pool(ref->live, ref->key, ref->generation);
    return;
  }
  if (is_empty(change) || !lock_ref(ref)) return;
  LivePool* live = live_of(ref);
  live->published = live->published || change.created;
  Offset old_name = 0;
  if (change.name != 0) {
    old_name = live->name;
    live->name = change.name;
    live->name_length = change.name_length;
  }
  if (change.size != 0)
    pool_resize(region(), live->pool, static_cast<std::uint32_t>(change.size), ref->growth);
  unlock_pool(live);
  arena_free(old_name);
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
  if (ref->pinned) return;
  ref->pinned = true;
  ++live_of(ref)->pins;
}

void restore_change(PoolRef* ref, const PendingChange& before) {
  const PendingChange undone = ref->change;
  ref->change = before;
  if (undone.name != before.name) arena_free(undone.name);
  if (undone.dropped && !before.dropped && lock_ref(ref)) {
    live_of(ref)->closing = InvalidTransactionId;
    live_of(ref)->closed_by = 0;
    unlock_ref(ref);
  }
  if (is_empty(before)) unpin_live_pool(ref);
  if (undone.created && !before.created) drop_live_pool(ref->live, ref->key, ref->generation);
}

void finish_changes(bool commit) {
  while (changed_refs != nullptr) {
    PoolRef* ref = changed_refs;
    changed_refs = ref->next_changed;
    ref->listed = false;
    if (commit) apply_change(ref);
    unpin_live_pool(ref);
    free_growth(ref->growth);
  }
}

}  // namespace numpool
