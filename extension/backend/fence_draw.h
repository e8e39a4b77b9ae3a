// Drawing fences from the sequence of this database, and waiting until they may be given.
#pragma once

#include "core/region.h"
#include "pg/pg.h"

namespace numpool {

enum class FenceEnd {
  kReady,    // look again whether the arrival is covered
  kGone,     // the record is another database's by now
  kTimeout,  // the deadline came first
};

// Sees to it that `record` has fences of `sequence`, none below `at_least`, for one arrival more,
// as safe as this session's commits are. Waits until `deadline` (of GetCurrentTimestamp; DT_NOEND:
// never; kNoWait: a second, since the caller's COMMIT would wait for the standbys, too), by latch,
// socket and timer as a blocking waiter does. No numpool lock may be held. Errors: 42704 where the
// extension is gone, 55P03 at lock_timeout, 57014, and whatever ends the session.
FenceEnd await_fences(Offset record, Oid sequence, std::int64_t at_least, TimestampTz deadline);

}  // namespace numpool
