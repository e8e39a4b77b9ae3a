// A call that wants a number, from its name to a grant or to the pool's queue.
#pragma once

#include "backend/ledger.h"
#include "backend/patience.h"

namespace numpool {

// The pool of that name and, in *taken_back, a number of it that the transaction had released, or
// nullptr. A lock of the definitions does not keep a session from what it still holds: the pool
// that it knows by the name will do for that. nullptr: they were locked until the deadline. Errors:
// 42704; 42501, if this user may not use the pool.
PoolRef* enter_pool(text* name, Scope scope, TimestampTz deadline, LedgerEntry** taken_back);

enum class Arrival {
  kGranted,  // entry is kHeld
  kBusy,     // nothing free: the pool is locked
  kClosing,  // another transaction is dropping the pool; *closing is its id
  kGone,     // the name has to be looked up again
  kLocked,   // the table of definitions has to be read, and was locked until the deadline
  kNoFence,  // there was no fence until the deadline
};

// Tries for an immediate grant, in a pool whose definition is current. A caller that `joins` the
// queue where that is busy finds what a pool with waiters has. Errors: 55000, 53200, and those of a
// wait until the deadline.
Arrival arrive(PoolRef* ref, LedgerEntry* entry, bool joins, TimestampTz deadline,
               TransactionId* closing);

// The same where the pool is live and nothing has to be done first; else kGone. Waits for nothing,
// reads nothing and cannot fail.
Arrival arrive_if_ready(PoolRef* ref, LedgerEntry* entry);

// Sees to it that the session may take a fence more of the pool, as an arrival would (F2). It may
// be cancelled. No numpool lock held.
void await_fence(PoolRef* ref);

// The waiter at `offset` joins the queue on behalf of `entry`. The pool is locked; cannot fail.
void join_queue(PoolRef* ref, LedgerEntry* entry, Offset offset, WaiterKind kind,
                bool ends_by_itself);

}  // namespace numpool
