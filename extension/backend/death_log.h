// What the server's log says of a session whose leases ended badly with it, if numpool.log_deaths
// asks for it.
#pragma once

#include "backend/pool_ref.h"

namespace numpool {

// Notes that a lease of the pool has ended with the process, which does not end well. Cannot fail.
void note_death(PoolRef* ref);
// Tells of all that were noted, a line a pool. To be called last: when every number is passed on.
void log_deaths();

void death_log_define_settings();

}  // namespace numpool
