#include "backend/arrival.h"

#include "backend/fence_draw.h"
#include "backend/ledger_release.h"
#include "backend/pool_cache.h"
#include "backend/pool_loading.h"
#include "backend/pool_rights.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/pool_growth.h"
#include "shared/pool_memory.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"
#include "shared/untimed_context.h"

namespace numpool {

namespace {

// Makes the grant the session's: the ledger has the lease, and a rollback gives it up.
void become_held(LedgerEntry* entry, std::uint32_t index) {
  const Slot& slot = live_of(entry->ref)->pool.slot(region(), index);
  entry->live = entry->ref->live;
  entry->generation = entry->ref->generation;
  note_grant(entry, index, slot.fence);
  entry->learnt = true;
  record_creation(entry);
}

std::uint32_t grant_now(PoolRef* ref, LedgerEntry* entry) {
  LivePool* live = live_of(ref);
  if (live->pool.free == 0 || live->pool.queue.length != 0) return Bitmap::kNone;
  // Our uncommitted resize does not count yet; but do not hand out numbers that our own shrink will
  // remove.
  std::uint32_t limit = live->pool.size;
  if (ref->change.size != 0 && static_cast<std::uint32_t>(ref->change.size) < limit)
    limit = static_cast<std::uint32_t>(ref->change.size);
  const Claim claim = {my_session_id(), tag_of(entry), entry->scope, entry->ticket};
  return pool_acquire(region(), live->pool, claim, limit,
                      untimed_context(*live, GetCurrentTimestamp()));
}

// The pool is locked, and still is if it is busy.
Arrival take_free_number(PoolRef* ref, LedgerEntry* entry) {
  const std::uint32_t index = grant_now(ref, entry);
  if (index == Bitmap::kNone) return Arrival::kBusy;
  become_held(entry, index);
  unlock_ref(ref);
  debug_point(DebugPoint::kGrantedAtOnce);
  return Arrival::kGranted;
}

// Whether an arrival would have to wait, and nothing is there to count how long.
bool lacks_histogram(const Pool& pool) {
  return pool.wait_histogram == 0 && (pool.queue.length != 0 || pool.free == 0);
}

}  // namespace

PoolRef* enter_pool(text* name, Scope scope, TimestampTz deadline, LedgerEntry** taken_back) {
  PoolRef* ref = require_pool(name, kNoWait);
  if (ref == nullptr) {
    PoolRef* known = find_pool_of_lease(name);
    *taken_back = known != nullptr && may_use(known) ? take_back(known, scope) : nullptr;
    if (*taken_back != nullptr) return known;
    ref = require_pool(name, deadline);
    if (ref == nullptr) return nullptr;
  }
  require_use(ref);
  *taken_back = take_back(ref, scope);
  return ref;
}

Arrival arrive(PoolRef* ref, LedgerEntry* entry, bool joins, TimestampTz deadline,
               TransactionId* closing) {
  debug_point(DebugPoint::kNamed);
  LivePool* live;
  bool wants_histogram = joins;
  bool is_short = false;  // of memory for numbers that the pool should have
  bool ended_due = false;
  for (;;) {
    const Lookup lookup = lock_ref_loaded(ref, deadline);
    if (lookup != Lookup::kFound)
      return lookup == Lookup::kLocked ? Arrival::kLocked : Arrival::kGone;
    live = live_of(ref);
    if (live->closing != InvalidTransactionId) {
      const bool own = live->closed_by == my_session_id();
      *closing = live->closing;
      unlock_pool(live);
      // We deleted this pool in this transaction, and the name still finds it: the row was inserted
      // again, or our deletion is not visible yet.
      if (own) report_uncommitted_change(ref);
      return Arrival::kClosing;
    }
    if (live->defined_size > live->pool.size && !is_short) {
      unlock_pool(live);
      is_short = !catch_up(ref->live, ref->key, ref->generation, nullptr);
      continue;
    }
    if (live->pool.out.unknown) {
      unlock_pool(live);
      const Lookup learnt = learn_service(ref, deadline);
      if (learnt != Lookup::kFound)
        return learnt == Lookup::kLocked ? Arrival::kLocked : Arrival::kGone;
      continue;
    }
    if (!ended_due && anything_due(*live)) {
      WakeList wake;
      end_due(*live, wake);
      ended_due = true;
      if (!wake.empty()) {
        unlock_pool(live);
        wake_all(wake);
        continue;
      }
    }
    if (wants_histogram && lacks_histogram(live->pool)) {
      unlock_pool(live);
      add_wait_histogram(ref->live, ref->key, ref->generation);
      wants_histogram = false;
      continue;
    }
    const Offset fences = live->fences;
    if (fence_covers_arrival(fences, definitions_fence_sequence())) break;
    unlock_pool(live);
    const FenceEnd end = await_fences(fences, definitions_fence_sequence(), 0, deadline);
    if (end != FenceEnd::kReady)
      return end == FenceEnd::kTimeout ? Arrival::kNoFence : Arrival::kGone;
  }
  const Arrival arrival = take_free_number(ref, entry);
  if (arrival == Arrival::kBusy && is_short) {
    unlock_pool(live);
    arena_report_full();
  }
  return arrival;
}

Arrival arrive_if_ready(PoolRef* ref, LedgerEntry* entry) {
  debug_point(DebugPoint::kNamed);
  if (!lock_ref(ref)) return Arrival::kGone;
  LivePool* live = live_of(ref);
  if (live->closing == InvalidTransactionId && live->defined_size <= live->pool.size &&
      !live->pool.out.unknown && !anything_due(*live) && !lacks_histogram(live->pool) &&
      fence_covers_arrival(live->fences, definitions_fence_sequence()))
    return take_free_number(ref, entry);
  unlock_pool(live);
  return Arrival::kGone;
}

void await_fence(PoolRef* ref) {
  // Whoever finds the pool gone later needs none.
  while (lock_ref(ref)) {
    LivePool* live = live_of(ref);
    const Offset fences = live->fences;
    const bool covered = fence_covers_arrival(fences, definitions_fence_sequence());
    unlock_pool(live);
    if (covered ||
        await_fences(fences, definitions_fence_sequence(), 0, DT_NOEND) != FenceEnd::kReady)
      return;
  }
}

void join_queue(PoolRef* ref, LedgerEntry* entry, Offset offset, WaiterKind kind,
                bool ends_by_itself) {
  Waiter* waiter = region().at<Waiter>(offset);
  waiter->inbox = region().offset_of(&my_session().inbox);
  waiter->session = my_session_id();
  waiter->owner_tag = tag_of(entry);
  waiter->ticket = entry->ticket;
  waiter->serial.store(arena().next_wait.fetch_add(1, std::memory_order_relaxed),
                       std::memory_order_relaxed);
  waiter->wanted = 1;
  waiter->kind = kind;
  waiter->scope = entry->scope;
  waiter->ends_by_itself = ends_by_itself;
  if (kind == WaiterKind::kBlocking)
    my_session().sleeps_in.store(ref->live, std::memory_order_relaxed);
  pool_join(region(), live_of(ref)->pool, *waiter, GetCurrentTimestamp());
  entry->waiter = offset;
  entry->live = ref->live;
  entry->generation = ref->generation;
  entry->state = EntryState::kWaiting;
  record_creation(entry);
}

}  // namespace numpool
