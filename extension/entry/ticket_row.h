// What the functions share that give tickets.
#pragma once

#include "backend/ledger.h"
#include "pg/pg.h"

namespace numpool {

// To be called first by every function that enqueues. Errors: 55P03 where it would have to wait,
// 0A000 without a client; those of enter_changing_session.
void enter_enqueuing(FunctionCallInfo fcinfo);

// Three columns, of which it leaves the first alone: index and fence of a lease, or nulls.
void fill_grant(const LedgerEntry* entry, Datum* values, bool* nulls);
// Three columns: ticket, index, fence.
void fill_ticket(const LedgerEntry* entry, Datum* values, bool* nulls);

}  // namespace numpool
