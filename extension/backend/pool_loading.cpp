#include "backend/pool_loading.h"

#include "backend/clerk_start.h"
#include "backend/definitions.h"
#include "pg/debug_point.h"
#include "shared/pool_memory.h"
#include "shared/registration.h"
#include "shared/session.h"

namespace numpool {

namespace {

SessionId maker_of(const PoolRef* ref) {
  return ref->change.created ? my_session_id() : 0;
}

Offset register_as(PoolRef* ref, const Definition& definition) {
  return register_live_pool(ref->key, definition, maker_of(ref), &ref->generation);
}

// The second reading matched. If we did not write this row, that we see it means it is committed:
// then the pool has no maker, which publishes it.
void become_live(const PoolRef* ref, LivePool* live) {
  live->state = LiveState::kLive;
  live->maker = maker_of(ref);
}

// Refuses to load a row that the open transaction has written and the trigger has not noted. A
// function in RETURNING, or another trigger, sees such a row before our trigger runs.
void require_noted(const PoolRef* ref, const Definition& definition) {
  const DefinitionChange& change = ref->change;
  if (!definition.own ||
      (change.noted_name != nullptr && change.noted_size == definition.size &&
       change.noted_out == definition.out && *change.noted_settings == definition.settings &&
       strcmp(change.noted_name, definition.name) == 0))
    return;
  report_uncommitted_change(ref);
}

// The row as those see it who may use the pool: as it was committed, or, where this transaction has
// made it, as it has left it. What the transaction did to a row of others is for COMMIT to apply.
Lookup read_row(const PoolRef* ref, TimestampTz deadline, Definition* definition) {
  const Lookup lookup = read_definition(ref->key.identity, deadline, definition);
  if (lookup != Lookup::kFound || !definition->own) return lookup;
  require_noted(ref, *definition);
  if (!ref->change.created &&
      !read_own_change(ref->key.identity, OwnVersion::kCommitted, definition))
    report_uncommitted_change(ref);
  return Lookup::kFound;
}

// Registers the pool, then reads the row a second time (rule D4). That reading sees a change which
// was committed between the first one and the registration; a later change finds the pool
// registered.
Lookup load_pool(PoolRef* ref, TimestampTz deadline) {
  for (;;) {
    Definition definition;
    const Lookup first = read_row(ref, deadline, &definition);
    if (first != Lookup::kFound) return first;
    ref->defined_size = definition.size;
    debug_point(DebugPoint::kRowRead);
    ref->live = register_as(ref, definition);
    debug_point(DebugPoint::kRegistered);

    Definition again;
    const Lookup lookup = read_row(ref, deadline, &again);
    debug_point(DebugPoint::kReadAgain);
    // It stays kLoading, and whoever comes next does the second reading.
    if (lookup == Lookup::kLocked) return lookup;
    if (lookup == Lookup::kFound && again.settings.wants_clerk()) require_clerk();
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    const bool is_live = live->state == LiveState::kLive;
    if (lookup == Lookup::kFound && (is_live || matches_definition(*live, again))) {
      if (!is_live) become_live(ref, live);
      return Lookup::kFound;
    }
    unlock_pool(live);
    debug_point(DebugPoint::kRowDiffers);
    // NB: a live pool gets here only when its row is invisible to us: it is being dropped, or its
    // maker has not committed. Neither is ours to drop.
    if (!is_live) drop_loading_pool(ref->live, ref->key, ref->generation);
    if (lookup != Lookup::kFound) return lookup;
  }
}

}  // namespace

Lookup lock_ref_loaded(PoolRef* ref, TimestampTz deadline) {
  return lock_ref(ref) ? Lookup::kFound : load_pool(ref, deadline);
}

Lookup learn_service(PoolRef* ref, TimestampTz deadline) {
  while (lock_ref(ref)) {
    const bool is_known = !live_of(ref)->pool.out.unknown;
    const std::uint32_t version = live_of(ref)->service_version;
    unlock_ref(ref);
    if (is_known) return Lookup::kFound;
    Definition definition;
    const Lookup lookup = read_row(ref, deadline, &definition);
    if (lookup != Lookup::kFound) return lookup;
    Offset block = definition.out.count == 0 ? 0 : arena_allocate(service_bytes(definition.out));
    // NB: another may have read the row again, or changed it, meanwhile.
    const bool is_same = lock_ref(ref);
    if (is_same) {
      LivePool* live = live_of(ref);
      if (live->service_version == version && live->pool.out.unknown)
        set_service(*live, definition.out, &block);
      unlock_pool(live);
    }
    arena_free(block);
    if (is_same) serve_waiters(ref->live, ref->key, ref->generation);
  }
  return Lookup::kAbsent;
}

void lock_ref_or_stub(PoolRef* ref, const Definition& deleted) {
  Definition stub = deleted;
  stub.size = 0;
  for (;;) {
    if (lock_ref(ref)) return;
    ref->live = register_as(ref, stub);
    debug_point(DebugPoint::kStubDue);
    if (!lock_pool(ref->live, ref->key, ref->generation)) continue;
    LivePool* live = live_of(ref);
    if (live->state == LiveState::kLoading) {
      // The deletion may be rolled back, and it may not fail for want of a worker.
      const bool has_clerk = !deleted.settings.wants_clerk() ||
                             arena().clerk_is_started.load(std::memory_order_relaxed);
      if (!has_clerk || !matches_definition(*live, deleted)) {
        unlock_pool(live);
        drop_loading_pool(ref->live, ref->key, ref->generation);
        continue;
      }
      become_live(ref, live);
    }
    return;
  }
}

}  // namespace numpool
