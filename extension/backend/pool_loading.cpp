#include "backend/pool_loading.h"

#include "backend/definitions.h"
#include "pg/debug_point.h"
#include "shared/registration.h"
#include "shared/session.h"

namespace numpool {

namespace {

SessionId maker_of(const PoolRef* ref) {
  return ref->change.created ? my_session_id() : 0;
}

Offset register_as(PoolRef* ref, const Definition& definition) {
  return register_live_pool(ref->key, definition, maker_of(ref), definitions_fence_sequence(),
                            &ref->generation);
}

// The row has been read again. Who sees it without having made it sees it committed.
void become_live(const PoolRef* ref, LivePool* live) {
  live->state = LiveState::kLive;
  live->maker = maker_of(ref);
}

// A row is the open transaction's own from the end of its command on, but the trigger may still
// have to be told: a function in RETURNING, another trigger. Of such a row nothing may be loaded.
void require_noted(const PoolRef* ref, const Definition& definition) {
  const DefinitionChange& change = ref->change;
  if (!definition.own || (change.noted_name != nullptr && change.noted_size == definition.size &&
                          strcmp(change.noted_name, definition.name) == 0))
    return;
  report_uncommitted_change(ref);
}

// Registers the pool and makes sure that what was read still holds once it is there: a change that
// was committed between reading and registering is seen by the second reading, and a later one
// finds the entry.
Lookup load_pool(PoolRef* ref, TimestampTz deadline) {
  for (;;) {
    Definition definition;
    const Lookup first = read_definition(ref->key.identity, deadline, &definition);
    if (first != Lookup::kFound) return first;
    require_noted(ref, definition);
    ref->defined_size = definition.size;
    debug_point(DebugPoint::kRowRead);
    ref->live = register_as(ref, definition);
    debug_point(DebugPoint::kRegistered);

    Definition again;
    const Lookup lookup = read_definition(ref->key.identity, deadline, &again);
    debug_point(DebugPoint::kReadAgain);
    // It stays kLoading, and whoever comes next does the second reading.
    if (lookup == Lookup::kLocked) return lookup;
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    const bool is_live = live->state == LiveState::kLive;
    if (lookup == Lookup::kFound && (is_live || matches_definition(*live, again))) {
      if (!is_live) become_live(ref, live);
      return Lookup::kFound;
    }
    unlock_pool(live);
    debug_point(DebugPoint::kRowDiffers);
    // NB: one that is live has been checked: it goes, or is of a row not yet committed.
    if (!is_live) drop_live_pool(ref->live, ref->key, ref->generation);
    if (lookup != Lookup::kFound) return lookup;
  }
}

}  // namespace

Lookup lock_ref_loaded(PoolRef* ref, TimestampTz deadline) {
  return lock_ref(ref) ? Lookup::kFound : load_pool(ref, deadline);
}

void lock_ref_as(PoolRef* ref, const Definition& definition, Extent extent) {
  Definition wanted = definition;
  if (extent == Extent::kHeader) wanted.size = 0;
  for (;;) {
    if (lock_ref(ref)) return;
    ref->live = register_as(ref, wanted);
    debug_point(DebugPoint::kPinDue);
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    if (live->state == LiveState::kLoading) {
      if (!matches_definition(*live, definition)) {
        unlock_pool(live);
        drop_live_pool(ref->live, ref->key, ref->generation);
        continue;
      }
      become_live(ref, live);
    }
    return;
  }
}

}  // namespace numpool
