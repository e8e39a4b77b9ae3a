// What a grant needs from outside where no deadline is looked at but that of the grant itself.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// As grant_context, for a pool in whose queue there is no place.
inline GrantContext untimed_context(const LivePool& live, TimestampTz now) {
  return {now, live.pool.limits_hold ? monotonic_now() : 0,
          region().at<FenceRecord>(live.fences)->block.next};
}

}  // namespace numpool
