// What a backend's ledger says of one lease or waiter.
#pragma once

#include "backend/pool_ref.h"
#include "pg/pg.h"

namespace numpool {

enum class EntryState : std::uint8_t {
  kNew,      // reserved: nothing shared refers to it, no record tells of it
  kWaiting,  // `waiter` is in the queue, or was granted or dropped and that has not been noted yet
  kHeld,     // holds `index`
  kDropped,  // its pool is gone, or its lease was ended: nothing of it is left in shared memory
};

// One lease or waiter of this session.
struct LedgerEntry {
  dlist_node node;              // in the list of all entries
  dlist_node touched_node;      // in the list of those that the open transaction changed
  dlist_node undelivered_node;  // in the list of those of which the client is to be notified
  PoolRef* ref;
  Offset live;               // the LivePool whose queue `waiter` joined, or of which the lease is
  std::uint64_t generation;  // and which that was
  Offset waiter;             // while kWaiting
  std::int64_t ticket;       // 0: never had one
  std::int64_t fence;        // once granted
  std::uint32_t index;       // once granted
  SubTransactionId logged;   // of its newest undo record
  EntryState state;
  // What a rollback restores.
  Scope scope;
  bool releasing;      // a release or cancel of it waits for COMMIT
  bool ticket_active;  // `ticket` names this entry
  bool timed;          // a token gets the lease at COMMIT (token_use.h): nothing else touches it
  bool shown;          // the open transaction has shown the client what is undelivered
  // What a rollback leaves.
  bool touched;          // touched_node is on its list
  bool undelivered;      // undelivered_node is on its list
  bool grant_delivered;  // the client knows that it was granted
  bool ended;            // of one that is kDropped: its lease was ended, the pool was still there
  bool learnt;           // somebody may know of the number, so it rests when the lease ends
};

// What slots and waiters call the entry. Only the session that made it turns it back.
inline std::uint64_t tag_of(const LedgerEntry* entry) {
  return reinterpret_cast<std::uint64_t>(entry);
}
inline LedgerEntry* entry_of_tag(std::uint64_t tag) {
  return reinterpret_cast<LedgerEntry*>(tag);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace numpool
