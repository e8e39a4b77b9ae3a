// A session that sleeps until a pool is vacant (core/idle_time.h). It is in no queue;
// its own waiter, as that of one who sleeps on a place, shows the wait to who looks for deadlocks:
// `fence` is the generation of the pool.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// Whether this session watches the pool, which is locked.
bool watches_pool(const LivePool& live);
// This session, which watches none, begins to watch the pool, which is locked.
void begin_idle_watch(LivePool& live, bool ends_by_itself);
// It watches none any more, or never did; whether it was the victim of a deadlock, whose report is
// for the caller to forget. Call it with no pool locked; cannot fail.
bool end_idle_watch();
// Whether this session was chosen to end a deadlock.
bool is_watch_victim();

// Wakes all who watch the pool. No lock needed; cannot fail.
void wake_watchers(Offset live);

}  // namespace numpool
