// Sleeping: for the turn of a blocking waiter, and for the end of another transaction.
#pragma once

#include "backend/ledger.h"

namespace numpool {

// Sleeps until the latch is set, the client is gone or `deadline` has passed, and clears the latch.
// A client that is gone ends the session by way of CHECK_FOR_INTERRUPTS, which is to follow.
void sleep_once(TimestampTz deadline, std::uint32_t wait_event);

enum class WaitEnd { kOver, kTimeout };

// Sleeps until the entry's waiter is granted or dropped (kOver), or `deadline` (of
// GetCurrentTimestamp; DT_NOEND: never). No polling: the latch, the client's socket, one timer.
// Errors: 55P03 at lock_timeout, 57014, 40P01 when the session comes to hold every number itself,
// and whatever ends the session. The undo log must tell of the entry.
WaitEnd wait_for_turn(LedgerEntry* entry, TimestampTz deadline);

// Waits for a transaction as for a row lock. False if the deadline came first.
bool wait_for_transaction(TransactionId transaction, TimestampTz deadline);

// Whether this session holds every number that can be granted. The pool is locked.
bool waits_for_itself(const PoolRef* ref);
[[noreturn]] void report_own_deadlock(const PoolRef* ref);

}  // namespace numpool
