// Going on after an error of PostgreSQL's.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Calls `work` in an internal subtransaction, and returns nullptr, or the error that ended it, in
// the caller's memory: whoever cannot go on with that rethrows it. What `work` leaves locked or
// open belongs to the caller's transaction if it ends well, and is released if it does not. Either
// way `restore` (nullptr: nothing to do) is called first; it cannot fail.
ErrorData* in_subtransaction(void (*work)(void* argument), void (*restore)(void* argument),
                             void* argument);

}  // namespace numpool
