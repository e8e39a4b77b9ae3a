// What the open transaction changed, one record a change with the state before it. Rolling back is
// undoing, newest first. See README.md, "Transactions".
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Room for one record more, so that the next log_created cannot fail. May ereport.
void reserve_record();

// Records that `entry` came to be. Cannot fail after reserve_record.
void log_created(Entry* entry);
// Records what a rollback restores of the entry, before it is changed. May ereport.
void log_change(Entry* entry);
// Takes the newest record back: the creation of `entry`. Cannot fail.
void unlog_created(const Entry* entry);

// Records ref->change before it is changed. May ereport.
void log_definition(PoolRef* ref);
// Records that some row of the table of definitions changed. May ereport.
void log_row_change();
// Whether the open transaction has written the table.
bool changed_definitions();

bool undo_log_is_empty();

// Undoes what the subtransaction, and those inside it, did. Cannot fail.
void undo_to(SubTransactionId subtransaction);
void forget_log();

}  // namespace numpool
