// Joining: what a backend does once, at its first use of numpool, and what it leaves at its end.
#pragma once

namespace numpool {

// Maps the shared memory, enters the session, and sets up the ledger and the callbacks; drops what
// is live of a database or a table that this one has taken the place of. After definitions_enter.
// Cheap when done before. Errors: 25006 on a standby, and those of segment_map.
void attach_backend();
// The same for whoever only looks: it does not make the memory. False where there is none, and on a
// standby.
bool attach_if_made();

}  // namespace numpool
