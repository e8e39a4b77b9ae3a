#include "backend/ledger.h"

#include "pg/debug_point.h"
#include "shared/session.h"

namespace numpool {

namespace {

struct TicketName {
  std::int64_t ticket;  // NB: first, the key
  Entry* entry;
};

dlist_head entries;
dlist_head touched;
dlist_head untold;
HTAB* tickets = nullptr;
Entry* reserved = nullptr;  // the newest that reserve_entry gave, if it is still there
// Saves most sessions the allocator: they have one lease at a time.
Entry* spare_entry = nullptr;

void tell(Entry* entry) {
  if (entry->untold) return;
  entry->untold = true;
  dlist_push_tail(&untold, &entry->untold_node);
}

void forget_end(Entry* entry) {
  if (!entry->ending || entry->state != EntryState::kHeld) return;
  ending_set(entry->ref).erase(entry->index);
  --entry->ref->ending_count;
}

void free_entry(Entry* entry) {
  if (reserved == entry) reserved = nullptr;
  forget_end(entry);
  if (entry->state == EntryState::kHeld) --entry->ref->held;
  --entry->ref->entries;
  if (entry->ticket != 0) hash_search(tickets, &entry->ticket, HASH_REMOVE, nullptr);
  if (entry->touched) dlist_delete(&entry->touched_node);
  if (entry->untold) dlist_delete(&entry->untold_node);
  dlist_delete(&entry->node);
  if (spare_entry == nullptr)
    spare_entry = entry;
  else
    pfree(entry);
}

// The entry's slot if the lease is still there; then the pool is locked.
Slot* lock_slot(Entry* entry) {
  if (!lock_ref(entry->ref)) return nullptr;
  LivePool* live = live_of(entry->ref);
  if (entry->index < chunk::capacity(live->pool.chunk_count)) {
    Slot& slot = live->pool.slot(region(), entry->index);
    if (slot.holder == my_session_id() && slot.owner_tag == reinterpret_cast<std::uint64_t>(entry))
      return &slot;
  }
  unlock_ref(entry->ref);
  return nullptr;
}

void become_dropped(Entry* entry) {
  forget_end(entry);
  if (entry->state == EntryState::kHeld) --entry->ref->held;
  entry->state = EntryState::kDropped;
  // Whoever found it: a client that listens is to be told, unless what it does now ends the lease.
  if (my_session().listens.load(std::memory_order_relaxed)) tell(entry);
}

// Marks that the open transaction changed the entry.
void touch(Entry* entry) {
  entry->logged = GetCurrentSubTransactionId();
  if (entry->touched) return;
  entry->touched = true;
  dlist_push_tail(&touched, &entry->touched_node);
}

// Records what a rollback restores of the entry, before it is changed. May ereport.
void record_change(Entry* entry) {
  // What this subtransaction changed before is restored by its first record.
  if (entry->touched && entry->logged == GetCurrentSubTransactionId()) return;
  log_change(entry);
  touch(entry);
}

// Sets or clears the pending end.
void set_ending(Entry* entry, bool ending) {
  if (entry->ending == ending) return;
  if (entry->state == EntryState::kHeld) {
    Bitmap set = ending_set(entry->ref);
    if (ending)
      set.insert(entry->index);
    else
      set.erase(entry->index);
    entry->ref->ending_count += ending ? 1 : -1;
  }
  entry->ending = ending;
}

// Shows in the slot what the ledger says; the entry becomes kDropped if there is no such lease.
void mirror(Entry* entry) {
  Slot* slot = lock_slot(entry);
  if (slot == nullptr) {
    become_dropped(entry);
    return;
  }
  slot->scope = entry->scope;
  slot->state = entry->ending ? LeaseState::kReleasing : LeaseState::kHeld;
  unlock_ref(entry->ref);
}

void release_slot(Entry* entry) {
  if (lock_slot(entry) == nullptr) return;
  LivePool* live = live_of(entry->ref);
  WakeList wake;
  // Only a hand-off looks at the clock.
  const TimestampTz now = live->pool.queue.length == 0 ? 0 : GetCurrentTimestamp();
  pool_release(region(), live->pool, entry->index, grant_context(*live, now), wake);
  unlock_pool(live);
  wake_all(wake);
}

// NB: frees no entry, so that it may be called from within give_up.
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
  dlist_foreach(at, &entries) {
    Entry* entry = dlist_container(Entry, node, at.cur);
    if (entry->ref != ref || entry->state != EntryState::kHeld || !entry->ending) continue;
    set.insert(entry->index);
    ++ref->ending_count;
    still_held(entry);
  }
}

void note_lost_leases() {
  const bool listens = my_session().listens.load(std::memory_order_relaxed);
  dlist_mutable_iter at;
  dlist_foreach_modify(at, &entries) {
    Entry* entry = dlist_container(Entry, node, at.cur);
    if (entry->state != EntryState::kHeld || still_held(entry)) continue;
    if (listens)
      tell(entry);
    else if (!entry->touched)
      free_entry(entry);
  }
}

// What the transaction that ends has left of an entry that it touched.
void finish_entry(Entry* entry) {
  dlist_delete(&entry->touched_node);
  entry->touched = false;
  entry->logged = InvalidSubTransactionId;
  if (entry->state == EntryState::kNew) {
    free_entry(entry);
  } else if (entry->state == EntryState::kDropped) {
    if (!entry->untold || entry->ending || entry->shown || entry->scope == Scope::kTransaction)
      free_entry(entry);
  } else if (entry->ending || entry->scope == Scope::kTransaction) {
    debug_point(DebugPoint::kEndingOne);
    give_up(entry);
  } else if (entry->shown) {
    entry->shown = false;
    mark_told(entry);
  }
}

}  // namespace

void ledger_init() {
  if (tickets != nullptr) return;
  HASHCTL control;
  MemSet(&control, 0, sizeof(control));
  control.keysize = sizeof(std::int64_t);
  control.entrysize = sizeof(TicketName);
  control.hcxt = backend_memory();
  HTAB* table = hash_create("numpool tickets", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  dlist_init(&entries);
  dlist_init(&touched);
  dlist_init(&untold);
  tickets = table;
}

void ledger_end_session() {
  debug_point(DebugPoint::kSessionEnds);
  // Queues first, or each lease would be handed on through the session's own tickets.
  dlist_mutable_iter at;
  dlist_foreach_modify(at, &entries) {
    Entry* entry = dlist_container(Entry, node, at.cur);
    if (entry->state != EntryState::kWaiting) continue;
    debug_point(DebugPoint::kGivingUpOne);
    give_up(entry);
  }
  while (!dlist_is_empty(&entries)) {
    debug_point(DebugPoint::kGivingUpOne);
    give_up(dlist_container(Entry, node, dlist_head_node(&entries)));
  }
}

Entry* reserve_entry(PoolRef* ref, Scope scope) {
  reserve_record();
  if (reserved != nullptr && reserved->state == EntryState::kNew) free_entry(reserved);
  Entry* entry = spare_entry;
  if (entry == nullptr)
    entry = static_cast<Entry*>(MemoryContextAlloc(backend_memory(), sizeof(Entry)));
  spare_entry = nullptr;
  *entry = {};
  entry->ref = ref;
  entry->scope = scope;
  entry->state = EntryState::kNew;
  entry->client_knows = true;
  ++ref->entries;
  dlist_push_tail(&entries, &entry->node);
  // An error before its record is written leaves it to the next reservation, or to the end of the
  // transaction.
  touch(entry);
  reserved = entry;
  return entry;
}

void reserve_ticket(Entry* entry) {
  if (entry->ticket != 0) return;
  const std::int64_t ticket = arena().next_ticket.fetch_add(1);
  TicketName* name = static_cast<TicketName*>(hash_search(tickets, &ticket, HASH_ENTER, nullptr));
  name->entry = entry;
  entry->ticket = ticket;
}

void discard_entry(Entry* entry) {
  free_entry(entry);
}

void settle(Entry* entry, std::uint32_t index, std::int64_t fence) {
  // A cancel that was pending on the waiter is now a pending release; its room was reserved with
  // the mark.
  const bool ending = entry->ending;
  set_ending(entry, false);
  entry->index = index;
  entry->fence = fence;
  if (entry->state != EntryState::kHeld) ++entry->ref->held;
  entry->state = EntryState::kHeld;
  set_ending(entry, ending);
  entry->waiter = 0;
}

bool leave_queue(Entry* entry, Leave why) {
  debug_point(DebugPoint::kLeaving);
  // NB: a record that is queued keeps its pool's header from being reused, whatever became of the
  // pool; one that is not leaves the pool, whichever it is now, as it is.
  LivePool* live = live_pool_at(entry->live);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  const bool left = pool_leave(region(), live->pool, *region().at<Waiter>(entry->waiter), why);
  LWLockRelease(&live->lock);
  if (!left) return false;
  if (entry->ticket != 0) arena_free(entry->waiter);
  entry->waiter = 0;
  entry->state = EntryState::kNew;
  return true;
}

void give_up(Entry* entry) {
  if (entry->state == EntryState::kWaiting && !leave_queue(entry, Leave::kCancel)) {
    if (entry->ticket != 0) {
      collect_inbox();
    } else {
      const Waiter& waiter = *region().at<Waiter>(entry->waiter);
      if (waiter.state.load(std::memory_order_acquire) == WaiterState::kGranted)
        settle(entry, waiter.index, waiter.fence);
    }
    debug_point(DebugPoint::kGrantToPassOn);
  }
  if (entry->state == EntryState::kHeld) release_slot(entry);
  free_entry(entry);
}

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

Entry* held_entry(PoolRef* ref, std::uint32_t index) {
  Pool& pool = live_of(ref)->pool;
  if (index >= chunk::capacity(pool.chunk_count)) return nullptr;
  const Slot& slot = pool.slot(region(), index);
  if (slot.holder != my_session_id()) return nullptr;
  return reinterpret_cast<Entry*>(slot.owner_tag);
}

Entry* find_ticket(std::int64_t ticket) {
  const TicketName* name =
      static_cast<TicketName*>(hash_search(tickets, &ticket, HASH_FIND, nullptr));
  // NB: an enqueue that failed leaves its entry to the next reservation, which frees it: nothing
  // may be recorded of it, though its number can be guessed.
  if (name == nullptr || name->entry->state == EntryState::kNew) return nullptr;
  return name->entry->ticket_active ? name->entry : nullptr;
}

bool news_waiting() {
  return !dlist_is_empty(&untold) || my_session().inbox.head.load(std::memory_order_relaxed) != 0 ||
         my_session().lost_leases.load(std::memory_order_relaxed);
}

void collect_news() {
  collect_inbox();
  if (my_session().lost_leases.exchange(false, std::memory_order_acquire)) note_lost_leases();
}

bool still_held(Entry* entry) {
  if (lock_slot(entry) == nullptr) {
    become_dropped(entry);
    return false;
  }
  unlock_ref(entry->ref);
  return true;
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

void record_creation(Entry* entry) {
  log_created(entry);
  touch(entry);
}

void restore_entry(const UndoRecord& record) {
  Entry* entry = record.entry;
  set_ending(entry, record.ending);
  entry->scope = record.scope;
  entry->ticket_active = record.ticket_active;
  entry->shown = record.shown;
  if (entry->state == EntryState::kHeld) mirror(entry);
}

void finish_entries() {
  // Cancels first, as at the end of the session.
  dlist_mutable_iter at;
  dlist_foreach_modify(at, &touched) {
    Entry* entry = dlist_container(Entry, touched_node, at.cur);
    if (entry->state == EntryState::kWaiting && entry->ending) finish_entry(entry);
  }
  dlist_foreach_modify(at, &touched) finish_entry(dlist_container(Entry, touched_node, at.cur));
}

dlist_head* all_entries() {
  return &entries;
}
dlist_head* untold_entries() {
  return &untold;
}

}  // namespace numpool
