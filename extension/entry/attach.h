// Joining: what a backend does once, at its first use of numpool, and what it leaves at its end.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Maps the shared memory, enters the session, and sets up the ledger and the callbacks; drops what
// is live of a database or a table that this one has taken the place of; loads timed leases after a
// start. After definitions_enter. Cheap when done before. False: not until the deadline. Errors:
// 25006 on a standby, 53200, and those of segment_map.
bool attach_backend(TimestampTz deadline);
// The same for whoever only looks: it waits for nobody, and makes no memory but for timed leases,
// which there may be none for. False where there is none, and on a standby.
bool attach_if_made();

}  // namespace numpool
