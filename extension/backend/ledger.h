// A backend's leases and waiters.
#pragma once

#include "backend/ledger_entry.h"
#include "backend/undo_log.h"
#include "pg/pg.h"

namespace numpool {

// Once a backend. May ereport.
void ledger_init();
// Gives up everything. Cannot fail.
void ledger_end_session();

// A kNew entry, with room for the record of its creation. May ereport.
Entry* reserve_entry(PoolRef* ref, Scope scope);
// Names it by a new ticket. May ereport.
void reserve_ticket(Entry* entry);
// Frees an entry that is kNew.
void discard_entry(Entry* entry);

// Notes the grant of what the entry waited for, or held from the start. Cannot fail.
void settle(Entry* entry, std::uint32_t index, std::int64_t fence);
// Leaves the queue; the entry is kNew again. False: it was granted or dropped meanwhile. Cannot
// fail.
bool leave_queue(Entry* entry, Leave why);
// Leaves the queue, or releases or passes on what was granted, and frees the entry. Cannot fail.
void give_up(Entry* entry);
// Marks the release or cancel for the end of the transaction. May ereport, and then changes
// nothing.
void end_at_commit(Entry* entry);
// The same for the lease of `index`, found and marked with the pool locked once. False: that is
// not how this lease can be found or marked; nothing was changed.
bool end_held_at_commit(PoolRef* ref, std::uint32_t index);
// The lowest index of the pool that the open transaction released becomes held again; nullptr if
// none.
Entry* take_back(PoolRef* ref, Scope scope);

// The session's lease of that index, or nullptr. The pool is locked.
Entry* held_entry(PoolRef* ref, std::uint32_t index);
// The entry that a ticket names, or nullptr.
Entry* find_ticket(std::int64_t ticket);

// Takes note of tickets that were granted or dropped, and of leases that a forced drop took. Cannot
// fail.
void collect_news();
bool news_waiting();
// Whether the entry's lease is still there; if not, it becomes kDropped. Takes the pool's lock.
// Cannot fail.
bool still_held(Entry* entry);
// The client has been told: frees the entry if that was its end. Cannot fail.
void mark_told(Entry* entry);
// The statement shows the client what became of the entry; told it is if that commits. May ereport.
void show(Entry* entry);

dlist_head* all_entries();
dlist_head* untold_entries();

// Records that the entry came to be. Cannot fail after reserve_entry.
void record_creation(Entry* entry);
// Restores what a record of the undo log has of the entry. Cannot fail.
void restore_entry(const UndoRecord& record);
// At the end of the transaction: ends what is to end. Cannot fail.
void finish_entries();

}  // namespace numpool
