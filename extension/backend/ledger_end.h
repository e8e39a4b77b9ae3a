// How entries end: at the end of the transaction, and of the session.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Leaves the queue; the entry is kNew again. False: it was granted or dropped meanwhile. Cannot
// fail.
bool leave_queue(LedgerEntry* entry, Leave why);
// Leaves the queue, or releases or passes on what was granted, and frees the entry. Cannot fail.
void give_up(LedgerEntry* entry);
// At the end of the transaction: ends what is to end. Cannot fail.
void finish_entries();
// At the end of the session: gives up everything. Cannot fail.
void ledger_end_session();

}  // namespace numpool
