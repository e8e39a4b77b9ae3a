#include "backend/ledger.h"

#include "shared/session.h"

namespace numpool {

namespace {

struct TicketName {
  std::int64_t ticket;  // NB: first, the key
  LedgerEntry* entry;
};

dlist_head entries;
dlist_head touched;
dlist_head undelivered;
HTAB* tickets = nullptr;
LedgerEntry* reserved = nullptr;  // the newest that reserve_entry gave, if it is still there
// The last entry that was freed, for the next one: most sessions have one lease at a time.
LedgerEntry* spare_entry = nullptr;

void forget_releasing(LedgerEntry* entry) {
  if (!entry->releasing || entry->state != EntryState::kHeld) return;
  releasing_set(entry->ref).erase(entry->index);
  --entry->ref->releasing_count;
}

void become_dropped(LedgerEntry* entry) {
  forget_releasing(entry);
  if (entry->state == EntryState::kHeld) --entry->ref->held;
  entry->state = EntryState::kDropped;
  // A client that listens is to be notified, whoever found the lease gone; except where the
  // statement that found it ends the lease anyway (finish_entry).
  if (my_session().listens.load(std::memory_order_relaxed)) mark_undelivered(entry);
}

// Marks that the open transaction changed the entry.
void mark_touched(LedgerEntry* entry) {
  entry->logged = GetCurrentSubTransactionId();
  if (entry->touched) return;
  entry->touched = true;
  dlist_push_tail(&touched, &entry->touched_node);
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
  dlist_init(&undelivered);
  tickets = table;
}

LedgerEntry* reserve_entry(PoolRef* ref, Scope scope) {
  reserve_record();
  if (reserved != nullptr && reserved->state == EntryState::kNew) free_entry(reserved);
  LedgerEntry* entry = spare_entry;
  if (entry == nullptr)
    entry = static_cast<LedgerEntry*>(MemoryContextAlloc(backend_memory(), sizeof(LedgerEntry)));
  spare_entry = nullptr;
  *entry = {};
  entry->ref = ref;
  entry->scope = scope;
  entry->state = EntryState::kNew;
  entry->grant_delivered = true;
  ++ref->entries;
  dlist_push_tail(&entries, &entry->node);
  // If an error comes before the creation is recorded, the next reservation frees the entry, or the
  // end of the transaction does: that is why it is marked.
  mark_touched(entry);
  reserved = entry;
  return entry;
}

void reserve_ticket(LedgerEntry* entry) {
  if (entry->ticket != 0) return;
  const std::int64_t ticket = arena().next_ticket.fetch_add(1);
  TicketName* name = static_cast<TicketName*>(hash_search(tickets, &ticket, HASH_ENTER, nullptr));
  name->entry = entry;
  entry->ticket = ticket;
}

void free_entry(LedgerEntry* entry) {
  if (reserved == entry) reserved = nullptr;
  forget_releasing(entry);
  if (entry->state == EntryState::kHeld) --entry->ref->held;
  --entry->ref->entries;
  if (entry->ticket != 0) hash_search(tickets, &entry->ticket, HASH_REMOVE, nullptr);
  if (entry->touched) dlist_delete(&entry->touched_node);
  if (entry->undelivered) dlist_delete(&entry->undelivered_node);
  dlist_delete(&entry->node);
  if (spare_entry == nullptr)
    spare_entry = entry;
  else
    pfree(entry);
}

void record_creation(LedgerEntry* entry) {
  log_created(entry);
  mark_touched(entry);
}

void record_change(LedgerEntry* entry) {
  // The first record of this subtransaction restores the state before every change that follows.
  if (entry->touched && entry->logged == GetCurrentSubTransactionId()) return;
  log_change(entry);
  mark_touched(entry);
}

void restore_entry(const UndoRecord& record) {
  LedgerEntry* entry = record.entry;
  set_releasing(entry, record.releasing);
  entry->scope = record.scope;
  entry->ticket_active = record.ticket_active;
  entry->shown = record.shown;
  if (entry->state == EntryState::kHeld) copy_state_to_slot(entry);
}

void note_grant(LedgerEntry* entry, std::uint32_t index, std::int64_t fence) {
  // A cancel of the waiter that waits for COMMIT becomes a release of the number. The room for that
  // in the set was reserved when the cancel was marked.
  const bool releasing = entry->releasing;
  set_releasing(entry, false);
  entry->index = index;
  entry->fence = fence;
  if (entry->state != EntryState::kHeld) ++entry->ref->held;
  entry->state = EntryState::kHeld;
  set_releasing(entry, releasing);
  entry->waiter = 0;
}

void set_releasing(LedgerEntry* entry, bool releasing) {
  if (entry->releasing == releasing) return;
  if (entry->state == EntryState::kHeld) {
    Bitmap set = releasing_set(entry->ref);
    if (releasing)
      set.insert(entry->index);
    else
      set.erase(entry->index);
    entry->ref->releasing_count += releasing ? 1 : -1;
  }
  entry->releasing = releasing;
}

void copy_state_to_slot(LedgerEntry* entry) {
  Slot* slot = lock_slot(entry);
  if (slot == nullptr) {
    become_dropped(entry);
    return;
  }
  slot->scope = entry->scope;
  slot->state = entry->releasing ? LeaseState::kReleasing : LeaseState::kHeld;
  slot->set_ticket(entry->ticket_active ? entry->ticket : 0);
  unlock_ref(entry->ref);
}

void mark_undelivered(LedgerEntry* entry) {
  if (entry->undelivered) return;
  entry->undelivered = true;
  dlist_push_tail(&undelivered, &entry->undelivered_node);
}

LedgerEntry* held_entry(PoolRef* ref, std::uint32_t index) {
  Pool& pool = live_of(ref)->pool;
  if (index >= chunk::capacity(pool.chunk_count)) return nullptr;
  const Slot& slot = pool.slot(region(), index);
  if (slot.holder != my_session_id()) return nullptr;
  return entry_of_tag(slot.owner_tag);
}

LedgerEntry* find_ticket(std::int64_t ticket) {
  const TicketName* name =
      static_cast<TicketName*>(hash_search(tickets, &ticket, HASH_FIND, nullptr));
  // NB: an enqueue that failed leaves its entry for the next reservation to free. No record may
  // refer to such an entry, though a user can guess its ticket.
  if (name == nullptr || name->entry->state == EntryState::kNew) return nullptr;
  return name->entry->ticket_active ? name->entry : nullptr;
}

Slot* lock_slot(LedgerEntry* entry) {
  if (!lock_ref(entry->ref)) return nullptr;
  LivePool* live = live_of(entry->ref);
  if (entry->index < chunk::capacity(live->pool.chunk_count)) {
    Slot& slot = live->pool.slot(region(), entry->index);
    if (slot.holder == my_session_id() && slot.owner_tag == tag_of(entry)) return &slot;
  }
  entry->ended = entry->live == entry->ref->live && entry->generation == entry->ref->generation;
  unlock_ref(entry->ref);
  return nullptr;
}

bool still_held(LedgerEntry* entry) {
  if (lock_slot(entry) == nullptr) {
    become_dropped(entry);
    return false;
  }
  unlock_ref(entry->ref);
  return true;
}

dlist_head* all_entries() {
  return &entries;
}
dlist_head* touched_entries() {
  return &touched;
}
dlist_head* undelivered_entries() {
  return &undelivered;
}

}  // namespace numpool
