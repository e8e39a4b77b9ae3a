#include "backend/ledger_release.h"

namespace numpool {

namespace {

// The entry of the lowest index in the releasing set; nullptr if the set is out of date, because a
// forced drop has taken the lease.
LedgerEntry* lowest_releasing(PoolRef* ref) {
  const std::uint32_t index = releasing_set(ref).first();
  if (!lock_ref(ref)) return nullptr;
  LedgerEntry* entry = held_entry(ref, index);
  unlock_ref(ref);
  return entry != nullptr && entry->releasing ? entry : nullptr;
}

// Rebuilds the releasing set after a forced drop has taken leases of the pool. Their indexes mean
// nothing any more; or, if the definition was put back, they mean other leases.
void forget_lost(PoolRef* ref) {
  Bitmap set = releasing_set(ref);
  for (std::uint32_t i = set.first(); i != Bitmap::kNone; i = set.first()) set.erase(i);
  ref->releasing_count = 0;
  dlist_iter at;
  dlist_foreach(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    if (entry->ref != ref || entry->state != EntryState::kHeld || !entry->releasing) continue;
    set.insert(entry->index);
    ++ref->releasing_count;
    still_held(entry);
  }
}

}  // namespace

void release_at_commit(LedgerEntry* entry) {
  // A waiter does not yet know which index it will be granted, so it needs room for any.
  reserve_releasing(entry->ref,
                    entry->state == EntryState::kHeld ? entry->index : kMaxPoolSize - 1);
  record_change(entry);
  set_releasing(entry, true);
  if (entry->state == EntryState::kHeld) copy_state_to_slot(entry);
}

bool release_held_at_commit(PoolRef* ref, std::uint32_t index, std::int64_t fence) {
  if (ref->held == 0) return false;
  reserve_releasing(ref, index);
  reserve_record();
  if (!lock_ref(ref)) return false;
  LedgerEntry* entry = held_entry(ref, index);
  const bool ends = entry != nullptr && entry->state == EntryState::kHeld && !entry->releasing &&
                    !entry->timed && (fence == 0 || entry->fence == fence);
  if (ends) {
    record_change(entry);
    entry->learnt = true;
    set_releasing(entry, true);
    live_of(ref)->pool.slot(region(), index).state = LeaseState::kReleasing;
  }
  unlock_ref(ref);
  return ends;
}

std::uint32_t count_releasing(PoolRef* ref) {
  std::uint32_t count = 0;
  dlist_iter at;
  dlist_foreach(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    // NB: not ref->releasing_count, which does not know yet what others have ended.
    if (entry->ref == ref && entry->state == EntryState::kHeld && entry->releasing &&
        held_entry(ref, entry->index) == entry)
      ++count;
  }
  return count;
}

LedgerEntry* take_back(PoolRef* ref, Scope scope) {
  // The pool goes at COMMIT, and its leases with it, even if its row was put back.
  if (ref->change.dropped) return nullptr;
  while (ref->releasing_count > 0) {
    LedgerEntry* entry = lowest_releasing(ref);
    if (entry == nullptr) {
      forget_lost(ref);
      continue;
    }
    record_change(entry);
    set_releasing(entry, false);
    entry->scope = scope;
    entry->ticket_active = false;
    entry->shown = true;
    entry->learnt = true;
    copy_state_to_slot(entry);
    if (entry->state == EntryState::kHeld) return entry;
  }
  return nullptr;
}

}  // namespace numpool
