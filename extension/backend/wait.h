// Sleeping: for the turn of a blocking waiter, and for the end of another transaction.
#pragma once

#include "backend/ledger.h"
#include "backend/wait_log.h"

namespace numpool {

// Sleeps until the latch is set, the client is gone or `deadline` has passed, and clears the latch.
// A client that is gone ends the session by way of CHECK_FOR_INTERRUPTS, which is to follow.
void sleep_once(TimestampTz deadline, std::uint32_t wait_event);

enum class WaitEnd { kOver, kTimeout };

// Sleeps until the entry's waiter is granted or dropped (kOver), or `deadline` (of
// GetCurrentTimestamp; DT_NOEND: never). No polling: the latch, the client's socket, one timer.
// Errors: 55P03 at lock_timeout, 57014, 40P01 when the session comes to hold every number itself,
// and whatever ends the session. The undo log must tell of the entry.
WaitEnd wait_for_turn(LedgerEntry* entry, TimestampTz deadline, WaitLog* log);

// Waits for a transaction as for a row lock. False if the deadline came first.
bool wait_for_transaction(TransactionId transaction, TimestampTz deadline);

// Whether this session holds every number that can be granted. The pool is locked.
bool waits_for_itself(const PoolRef* ref);
[[noreturn]] void report_own_deadlock(const PoolRef* ref);

// Sleeps once, as a waiter in a queue does, at most until the deadline.
void sleep_for_turn(TimestampTz deadline);

// Refuses a wait that could never end. The pool is locked; it is unlocked before an error. Errors:
// 55000 where the transaction has locks that such a wait may not hold, 40P01.
void check_may_wait(PoolRef* ref);
// Sleeps in the queue that the entry has joined; nullptr at the deadline, and the entry is gone
// then.
LedgerEntry* wait_in_queue(LedgerEntry* entry, TimestampTz deadline);
// Whether a ticket of this session was granted, or dropped, and that has not been noted.
bool own_ticket_was_granted();
// 42704.
[[noreturn]] void report_dropped(const PoolRef* ref);

}  // namespace numpool
