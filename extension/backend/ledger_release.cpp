#include "backend/ledger_release.h"

namespace numpool {

namespace {

// The entry of the lowest index whose release is pending; nullptr if what the set says is no longer
// so.
Entry* lowest_ending(PoolRef* ref) {
  const std::uint32_t index = ending_set(ref).first();
  if (!lock_ref(ref)) return nullptr;
  Entry* entry = held_entry(ref, index);
  unlock_ref(ref);
  return entry != nullptr && entry->ending ? entry : nullptr;
}

// Leases of the pool that went with a forced drop: their indexes mean nothing any more, or, if its
// definition was put back, other leases.
void forget_lost(PoolRef* ref) {
  Bitmap set = ending_set(ref);
  for (std::uint32_t i = set.first(); i != Bitmap::kNone; i = set.first()) set.erase(i);
  ref->ending_count = 0;
  dlist_iter at;
  dlist_foreach(at, all_entries()) {
    Entry* entry = dlist_container(Entry, node, at.cur);
    if (entry->ref != ref || entry->state != EntryState::kHeld || !entry->ending) continue;
    set.insert(entry->index);
    ++ref->ending_count;
    still_held(entry);
  }
}

}  // namespace

void end_at_commit(Entry* entry) {
  // Room for any index: a waiter does not yet know which it will be granted.
  reserve_ending(entry->ref, entry->state == EntryState::kHeld ? entry->index : kMaxPoolSize - 1);
  record_change(entry);
  set_ending(entry, true);
  if (entry->state == EntryState::kHeld) mirror(entry);
}

bool end_held_at_commit(PoolRef* ref, std::uint32_t index) {
  if (ref->held == 0) return false;
  reserve_ending(ref, index);
  reserve_record();
  if (!lock_ref(ref)) return false;
  Entry* entry = held_entry(ref, index);
  const bool ends = entry != nullptr && entry->state == EntryState::kHeld && !entry->ending;
  if (ends) {
    record_change(entry);
    set_ending(entry, true);
    live_of(ref)->pool.slot(region(), index).state = LeaseState::kReleasing;
  }
  unlock_ref(ref);
  return ends;
}

Entry* take_back(PoolRef* ref, Scope scope) {
  // It goes at COMMIT, with its leases, though its row was put back.
  if (ref->change.dropped) return nullptr;
  while (ref->ending_count > 0) {
    Entry* entry = lowest_ending(ref);
    if (entry == nullptr) {
      forget_lost(ref);
      continue;
    }
    record_change(entry);
    set_ending(entry, false);
    entry->scope = scope;
    entry->ticket_active = false;
    entry->shown = true;
    mirror(entry);
    if (entry->state == EntryState::kHeld) return entry;
  }
  return nullptr;
}

}  // namespace numpool
