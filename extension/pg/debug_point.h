// Wait points for tests: empty but in a build with NUMPOOL_DEBUG_POINTS.
#pragma once

#include "pg/debug_point_list.h"

namespace numpool {

#ifdef NUMPOOL_DEBUG_POINTS

// Stands here while a test wants that. Neither an interrupt nor the latch is taken in: they are
// there for the code that follows. No LWLock may be held. Cannot fail; works from callbacks and at
// exit.
void debug_point(DebugPoint point);

#else

inline void debug_point(DebugPoint) {}

#endif

}  // namespace numpool
