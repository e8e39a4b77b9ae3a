// Waiting by ticket: in the queue without a sleeping backend.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// An entry that holds an index, or waits for one by ticket; listen_to_own_channel() comes first. It
// never waits itself: a client may have sent other calls behind it. Errors: 55P03 where the pool is
// just being dropped, or the definitions are locked; 53400 where the session has as many tickets as
// it may have; those of acquire.
LedgerEntry* enqueue(text* name);
// The same where nothing stands in the way: else it changes nothing and returns nullptr, and
// enqueue says what it is. Only want of the backend's own memory makes it fail.
LedgerEntry* enqueue_if_ready(text* name);
// False if there is nothing left to end: the ticket is unknown, was cancelled or lost its pool.
// collect_undelivered() comes first. Only want of memory makes it fail.
bool cancel(std::int64_t ticket);

void ticket_define_settings();
// At the end of the session: what an enqueue left for the next. Cannot fail.
void free_spare_waiter();

}  // namespace numpool
