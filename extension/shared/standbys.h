// Synchronous standbys: what this session asks of them, how far they are, and being woken by them.
// A wait here can be left at any time, which PostgreSQL's own at COMMIT cannot.
#pragma once

#include "core/fence_block.h"
#include "pg/pg.h"

namespace numpool {

// What synchronous_commit makes the commits of this session wait for, if standbys are defined.
Assurance asked_of_standbys();

// What the WAL up to `position` has: kLocal if no standby has told of it.
Assurance assurance_of(XLogRecPtr position);

// Enters this backend among those whose latch is set when the standbys reach `position`, or when
// none is defined any more. False, and it is not entered: that is so already. The session may not
// commit, or report an error, before `stop_listening_to_standbys`.
bool listen_to_standbys(XLogRecPtr position, Assurance assurance);
// Cannot fail.
void stop_listening_to_standbys();

}  // namespace numpool
