#include "backend/ledger_undelivered.h"

#include "shared/session.h"

namespace numpool {

namespace {

void note_lost_leases() {
  const bool listens = my_session().listens.load(std::memory_order_relaxed);
  dlist_mutable_iter at;
  dlist_foreach_modify(at, all_entries()) {
    Entry* entry = dlist_container(Entry, node, at.cur);
    if (entry->state != EntryState::kHeld || still_held(entry)) continue;
    if (listens)
      tell(entry);
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
    Entry* entry = reinterpret_cast<Entry*>(waiter.owner_tag);
    entry->waiter = 0;
    if (waiter.state.load(std::memory_order_relaxed) == WaiterState::kGranted) {
      settle(entry, waiter.index, waiter.fence);
      mirror(entry);
    } else {
      entry->state = EntryState::kDropped;
    }
    arena_free(record);
    tell(entry);
  }
}

void collect_news() {
  collect_inbox();
  if (my_session().lost_leases.exchange(false, std::memory_order_acquire)) note_lost_leases();
}

bool news_waiting() {
  return !dlist_is_empty(untold_entries()) ||
         my_session().inbox.head.load(std::memory_order_relaxed) != 0 ||
         my_session().lost_leases.load(std::memory_order_relaxed);
}

void mark_told(Entry* entry) {
  if (entry->untold) {
    dlist_delete(&entry->untold_node);
    entry->untold = false;
  }
  entry->client_knows = true;
  if (entry->state == EntryState::kDropped && !entry->touched) free_entry(entry);
}

void show(Entry* entry) {
  if (entry->shown || (!entry->untold && entry->state != EntryState::kDropped)) return;
  record_change(entry);
  tell(entry);
  entry->shown = true;
}

}  // namespace numpool
