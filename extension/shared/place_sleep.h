// A session that sleeps on a token's place. The waiter in the queue is the token's; the session's
// own, which is in no queue then, says that it sleeps, and in which wait, to whoever looks for
// deadlocks: `owner_tag` is the record, and `fence` the generation of its pool.
#pragma once

#include "shared/live_pool.h"
#include "shared/session.h"

namespace numpool {

// This session begins to sleep on the place. The pool is locked.
void begin_place_sleep(const TimedRecord& record, const LivePool& live, bool ends_by_itself);
// It sleeps no more, or never did. The pool is locked, if it is still there.
void end_place_sleep();
// Whether this session was chosen to end a deadlock.
bool is_place_victim();

// The waiter that is in the queue of the pool, which is locked, for the wait that the session shows
// in `sleeper`; of one who watches the pool (idle_watch.h) its own, which is in none; nullptr: it
// has come to an end.
const Waiter* waiter_in_queue(const Session& session, LivePool& live);
// The session that waits there: of a place, who sleeps on it; 0: nobody.
SessionId user_of_waiter(const Waiter& waiter);
// Ends the session's wait of that serial in the pool, which is locked exclusively, to end a
// deadlock. A place stays in the queue. False: that wait is over.
bool condemn_sleeper(Session& session, LivePool& live, std::uint64_t serial, WakeList& wake);

}  // namespace numpool
