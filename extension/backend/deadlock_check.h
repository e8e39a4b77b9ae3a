// The check for deadlocks: who sleeps in a queue for long looks, for the whole server, whether
// sessions wait for each other in a circle, and ends one wait of each (extension/README.md,
// "Deadlocks").
#pragma once

#include "pg/pg.h"

namespace numpool {

// When a session that joins a queue at `now` is to check first.
TimestampTz first_check(TimestampTz now);

// To be called at that time, by a session that still sleeps: checks, unless another has done so
// lately. When to call it next. May ereport; no numpool lock held.
TimestampTz check_for_deadlocks();

// To be called by a session whose wait was ended so.
[[noreturn]] void report_deadlock();
// Forgets what it was to report. Cannot fail.
void forget_deadlock();

}  // namespace numpool
