// Whom a sleeper in a queue waits for, for people who look.
#pragma once

#include "pg/palloc_list.h"

namespace numpool {

// Adds the pids of the sessions that hold numbers of the pool in whose queue that backend sleeps,
// or are ahead of it there, in ascending order; nothing if it does not sleep in one.
void list_blocking(int pid, PallocList<int>& blocking);

}  // namespace numpool
