// What others did to a backend's entries, and what its client has still to be told of it.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Takes note of tickets that were granted or dropped. Frees no entry. Cannot fail.
void collect_inbox();
// The same, and of leases that a forced drop took. Cannot fail.
void collect_undelivered();
bool anything_undelivered();
// The client has been told: frees the entry if that was its end. Cannot fail.
void mark_delivered(LedgerEntry* entry);
// The statement shows the client what became of the entry; told it is if that commits. May ereport.
void mark_shown(LedgerEntry* entry);

}  // namespace numpool
