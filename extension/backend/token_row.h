// The row of a lease of a token: written and deleted in the transaction that takes or releases it.
#pragma once

#include "backend/token_use.h"
#include "pg/pg.h"

namespace numpool {

// Inserts the row of a lease that the use takes, picks up or keeps, with the locks for that taken;
// COMMIT then waits until it is on disk. Deletes some rows that leases of the pool have left.
void write_token_row(TokenUse* use);
// Deletes the row of the lease that the use releases, if the locks for that are free at once. If
// not it is left.
void delete_token_row(TokenUse* use);

[[noreturn]] void report_rows_locked(text* pool);

}  // namespace numpool
