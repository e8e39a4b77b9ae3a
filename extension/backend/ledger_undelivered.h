// What others did to a backend's entries, and which of it the client has not been notified of.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Takes note of tickets that were granted or dropped. Frees no entry. Cannot fail.
void collect_inbox();
// The same, and of leases that a forced drop took, or an end by force. Cannot fail.
void collect_undelivered();
bool anything_undelivered();
// The client has been notified, or was shown the entry. Frees the entry if nothing else is left to
// do for it. Cannot fail.
void mark_delivered(LedgerEntry* entry);
// Marks the entry as shown by this statement. It counts as delivered only if the transaction
// commits. May ereport.
void mark_shown(LedgerEntry* entry);

}  // namespace numpool
