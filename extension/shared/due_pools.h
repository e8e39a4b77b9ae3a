// Which pool has something that will be over next, for the clerk, who sleeps until then; and who he
// is.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// The pool, which is locked, has something that may be due earlier than before: the clerk is told.
// Cannot fail.
void note_due(LivePool& live);
// The pool, which is locked, goes. Cannot fail.
void forget_due(LivePool& live);

// A pool in which something is due at that time, for the clerk. It is off the heap until he has
// locked it, cleared its noted_due and called note_due, before which he takes in no interrupt.
// False: there is none; *next is when there will be one, or INT64_MAX.
bool take_due_pool(std::int64_t monotonic, Offset* live, std::uint64_t* generation,
                   std::int64_t* next);

// Calls `start` unless a clerk has been started since the server's start; true if that succeeds, or
// did. Under the clerk's lock, so `start` may not ereport.
bool start_clerk_once(bool (*start)());
// This process is the clerk from now on. False: another is.
bool become_clerk();
// It is no more. Cannot fail.
void leave_clerk();

}  // namespace numpool
