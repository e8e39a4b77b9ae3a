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
Entry* reserve_entry(PoolRef* ref, Scope scope);
// Names it by a new ticket. May ereport.
void reserve_ticket(Entry* entry);
// Takes an entry out of the ledger: one that is kNew, or of which nothing is left in shared memory.
// Cannot fail.
void free_entry(Entry* entry);

// Records that the entry came to be. Cannot fail after reserve_entry.
void record_creation(Entry* entry);
// Records what a rollback restores of the entry, before it is changed. May ereport.
void record_change(Entry* entry);
// Restores what a record of the undo log has of the entry. Cannot fail.
void restore_entry(const UndoRecord& record);

// Notes the grant of what the entry waited for, or held from the start. Cannot fail.
void settle(Entry* entry, std::uint32_t index, std::int64_t fence);
// Sets or clears the pending end. Cannot fail.
void set_ending(Entry* entry, bool ending);
// Shows in the slot what the ledger says; the entry becomes kDropped if there is no such lease.
// Cannot fail.
void mirror(Entry* entry);
// Puts the entry on the list of those whose client is to be told something. Cannot fail.
void tell(Entry* entry);

// The session's lease of that index, or nullptr. The pool is locked.
Entry* held_entry(PoolRef* ref, std::uint32_t index);
// The entry that a ticket names, or nullptr.
Entry* find_ticket(std::int64_t ticket);
// The slot of the entry if the lease is still there; then the pool is locked. Cannot fail.
Slot* lock_slot(Entry* entry);
// Whether the entry's lease is still there; if not, it becomes kDropped. Takes the pool's lock.
// Cannot fail.
bool still_held(Entry* entry);

dlist_head* all_entries();
dlist_head* touched_entries();
dlist_head* untold_entries();

}  // namespace numpool
