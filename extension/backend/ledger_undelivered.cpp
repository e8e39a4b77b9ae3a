#include "backend/ledger_undelivered.h"

#include "shared/pool_memory.h"
#include "shared/session.h"

namespace numpool {

namespace {

void note_lost_leases() {
  const bool listens = my_session().listens.load(std::memory_order_relaxed);
  dlist_mutable_iter at;
  dlist_foreach_modify(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    // What a sleeper was granted may be lost before it has noted the grant: look again.
    if (entry->state == EntryState::kWaiting && entry->ticket == 0)
      my_session().lost_leases.store(true, std::memory_order_relaxed);
    if (entry->state != EntryState::kHeld || still_held(entry)) continue;
    if (listens)
      mark_undelivered(entry);
    else if (!entry->touched)
      free_entry(entry);
  }
}

}  // namespace

void collect_inbox() {
  Offset at = inbox_take(region(), my_session().inbox);
  while (at != 0) {
    Waiter& waiter = *region().at<Waiter>(at);
    const Offset record = at;
    at = waiter.inbox_next;
    LedgerEntry* entry = entry_of_tag(waiter.owner_tag);
    entry->waiter = 0;
    if (waiter.state.load(std::memory_order_relaxed) == WaiterState::kGranted) {
      note_grant(entry, waiter.index, waiter.fence);
      copy_state_to_slot(entry);
    } else {
      entry->state = EntryState::kDropped;
    }
    free_waiter(record);
    mark_undelivered(entry);
  }
}

void collect_undelivered() {
  collect_inbox();
  if (my_session().lost_leases.exchange(false, std::memory_order_acquire)) note_lost_leases();
}

bool anything_undelivered() {
  return !dlist_is_empty(undelivered_entries()) ||
         my_session().inbox.head.load(std::memory_order_relaxed) != 0 ||
         my_session().lost_leases.load(std::memory_order_relaxed);
}

void mark_delivered(LedgerEntry* entry) {
  if (entry->undelivered) {
    dlist_delete(&entry->undelivered_node);
    entry->undelivered = false;
  }
  entry->grant_delivered = true;
  entry->learnt = true;
  if (entry->state == EntryState::kDropped && !entry->touched) free_entry(entry);
}

void mark_shown(LedgerEntry* entry) {
  if (entry->shown || (!entry->undelivered && entry->state != EntryState::kDropped)) return;
  record_change(entry);
  mark_undelivered(entry);
  entry->shown = true;
  entry->learnt = true;
}

}  // namespace numpool
