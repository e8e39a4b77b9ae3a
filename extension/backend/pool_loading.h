// Bringing a definition into shared memory (README, rules D3 to D5).
#pragma once

#include "backend/definitions.h"
#include "backend/pool_ref.h"

namespace numpool {

// Takes the lock of the live pool (kFound), which is loaded if need be. kAbsent: its definition is
// gone; look the name up again. kLocked: the table was locked until the deadline. Errors: 53200.
Lookup lock_ref_loaded(PoolRef* ref, TimestampTz deadline);
// The same for the pool of a row that the open transaction has deleted, and that was `deleted` as
// others see it: there is no second reading, and a pool that is not loaded becomes a stub. Errors:
// 53200.
void lock_ref_or_stub(PoolRef* ref, const Definition& deleted);
// The live pool does not know which of its numbers are out of service, as COMMIT had no memory for
// that (D10): tells it, and serves waiters. Errors: 53200.
Lookup learn_service(PoolRef* ref, TimestampTz deadline);

}  // namespace numpool
