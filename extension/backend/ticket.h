// Waiting by ticket: in the queue without a sleeping backend.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// An entry that holds an index, or waits for one by ticket. It never waits itself: a client may
// have sent other calls behind it. Errors: 55P03 where the pool is just being dropped, or the
// definitions are locked; 53400 where the session has as many tickets as it may have; those of
// acquire.
LedgerEntry* enqueue(text* name);

void ticket_define_settings();
// At the end of the session: what an enqueue left for the next. Cannot fail.
void free_spare_waiter();

}  // namespace numpool
