// A backend's leases and waiters: the list of its entries, and what one change of an entry does to
// the records beside it. ledger_undelivered.h takes in what others did, ledger_release.h marks what
// is to end, ledger_end.h ends it.
#pragma once

#include "backend/ledger_entry.h"
#include "backend/undo_log.h"
#include "pg/pg.h"

namespace numpool {

// Once a backend. May ereport.
void ledger_init();

// A kNew entry, with room for the record of its creation. May ereport.
LedgerEntry* reserve_entry(PoolRef* ref, Scope scope);
// Names it by a new ticket. May ereport.
void reserve_ticket(LedgerEntry* entry);
// Takes an entry out of the ledger, of which nothing is left in shared memory. Cannot fail.
void free_entry(LedgerEntry* entry);
// The same, of one that is kNew: it never came to anything.
inline void discard_entry(LedgerEntry* entry) {
  Assert(entry->state == EntryState::kNew);
  free_entry(entry);
}

// Records that the entry came to be. Cannot fail after reserve_entry.
void record_creation(LedgerEntry* entry);
// Records what a rollback restores of the entry, before it is changed. May ereport.
void record_change(LedgerEntry* entry);
// Restores what a record of the undo log has of the entry. Cannot fail.
void restore_entry(const UndoRecord& record);

// Notes the grant of what the entry waited for, or held from the start. Cannot fail.
void note_grant(LedgerEntry* entry, std::uint32_t index, std::int64_t fence);
// Sets or clears the mark of a release or cancel that waits for COMMIT. Cannot fail.
void set_releasing(LedgerEntry* entry, bool releasing);
// Copies the entry's scope, and whether it is releasing, to its slot; the entry becomes kDropped if
// its lease is gone. Cannot fail.
void copy_state_to_slot(LedgerEntry* entry);
// Puts the entry on the list of those of which the client is to be notified. Cannot fail.
void mark_undelivered(LedgerEntry* entry);

// The session's lease of that index, or nullptr. The pool is locked.
LedgerEntry* held_entry(PoolRef* ref, std::uint32_t index);
// The entry that a ticket names, or nullptr.
LedgerEntry* find_ticket(std::int64_t ticket);
// The slot of the entry if the lease is still there; then the pool is locked. If it is not,
// entry->ended says whether its pool is. Cannot fail.
Slot* lock_slot(LedgerEntry* entry);
// Whether the entry's lease is still there; if not, it becomes kDropped. Takes the pool's lock.
// Cannot fail.
bool still_held(LedgerEntry* entry);

dlist_head* all_entries();
dlist_head* touched_entries();
dlist_head* undelivered_entries();

}  // namespace numpool
