// Bringing a definition into shared memory (README, rules D3 to D5).
#pragma once

#include "backend/definitions.h"
#include "backend/pool_ref.h"

namespace numpool {

// Takes the lock of the live pool (kFound), which is loaded if need be. kAbsent: its definition is
// gone; look the name up again. kLocked: the table was locked until the deadline. Errors: 53200.
Lookup lock_ref_loaded(PoolRef* ref, TimestampTz deadline);
// The same for a caller who knows that `definition` is what others see, so that no second reading
// is needed. kHeader: the row has been deleted, and a pool that is not loaded becomes a stub.
// Errors: 53200.
enum class Extent { kWhole, kHeader };
void lock_ref_as(PoolRef* ref, const Definition& definition, Extent extent);

}  // namespace numpool
