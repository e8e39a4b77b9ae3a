// Joining: what a backend does once, at its first use of numpool, and what it leaves at its end.
#pragma once

namespace numpool {

// Maps the shared memory, enters the session, and sets up the ledger and the callbacks. Cheap when
// done before. Errors: 25006 on a standby, and those of segment_map.
void attach();

}  // namespace numpool
