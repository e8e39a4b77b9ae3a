// A backend's leases and waiters.
#pragma once

#include "pg/pg.h"
#include "backend/pool_ref.h"

namespace numpool {

enum class EntryState : std::uint8_t {
  kNew,      // reserved: nothing shared refers to it, no record tells of it
  kWaiting,  // `waiter` is in the queue, or was granted or dropped and that has not been noted yet
  kHeld,     // holds `index`
  kDropped,  // its pool is gone: nothing of it is left in shared memory
};

// One lease or waiter of this session.
struct Entry {
  dlist_node node;          // in the list of all entries
  dlist_node touched_node;  // in the list of those that the open transaction changed
  dlist_node untold_node;   // in the list of those whose client is to be told something
  PoolRef* ref;
  Offset live;              // the LivePool whose queue `waiter` joined
  Offset waiter;            // while kWaiting
  std::int64_t ticket;      // 0: never had one
  std::int64_t fence;       // once granted
  std::uint32_t index;      // once granted
  SubTransactionId logged;  // of its newest undo record
  EntryState state;
  // What a rollback restores.
  Scope scope;
  bool ending;         // release or cancel pending in the open transaction
  bool ticket_active;  // `ticket` names this entry
  bool shown;          // the open transaction has shown what it has `untold`
  // What it does not.
  bool touched;       // on that list
  bool untold;        // on that list
  bool client_knows;  // that it was granted
};

// Once a backend, with the transaction callbacks. May ereport.
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

// For the undo log: marks that the open transaction changed the entry; sets or clears the pending
// end; shows in the slot what the ledger says (the entry becomes kDropped if there is no such
// lease). Cannot fail.
void touch(Entry* entry);
void set_ending(Entry* entry, bool ending);
void mirror(Entry* entry);
// At the end of the transaction: ends what is to end. Cannot fail.
void finish_entries();

}  // namespace numpool
