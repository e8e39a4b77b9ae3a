// Bringing the rows of timed leases back to life after a start.
#pragma once

#include "backend/patience.h"
#include "pg/pg.h"

namespace numpool {

// One session of the database at a time, for who looks after what was there before. False: not
// until the deadline.
bool lock_loading(TimestampTz deadline);
void unlock_loading();

// Loads every pool of this database that has rows, with the leases that these tell of, unless that
// was done since the server's start. False: not until the deadline. Errors: 53200, 57014.
bool load_timed_leases(TimestampTz deadline);

}  // namespace numpool
