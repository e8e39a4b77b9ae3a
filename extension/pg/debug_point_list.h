// The places where a test can stop a backend of a debug build, and the advisory locks by which it
// does. Nothing of PostgreSQL: the tests include this too.
#pragma once

#include <cstdint>

namespace numpool {

enum class DebugPoint : std::uint16_t {
  // Acquire, enqueue
  kNamed,          // the name is resolved; nothing shared refers to the arrival yet
  kBlockWanted,    // the fences do not cover the arrival; before a block is taken
  kBlockTaken,     // a block was taken; not installed yet
  kGrantedAtOnce,  // granted on arrival; the caller does not know yet
  kJoined,         // in the queue; not looked yet
  kBeforeSleep,    // looked: still queued; about to sleep
  kWoken,          // slept; before interrupts are looked at
  kTurnSeen,       // it has seen that it was granted or dropped; the ledger does not say so yet
  kTimedOut,       // the deadline has passed; still in the queue, or granted meanwhile
  kLeaving,        // about to leave the queue
  kGrantToPassOn,  // too late to leave: about to release what was granted
  // Looking for deadlocks
  kCheckDue,      // this session is the one to check; nothing has been looked at
  kPoolCopied,    // in a look: a pool is copied; the next one, or the locks, are not
  kLookedOnce,    // the first look is over; the second has not begun
  kLookedAgain,   // the second look is over; nothing is decided
  kVictimChosen,  // a wait is to be ended; its pool is not locked
  kWatching,      // it has seen that a pool is not idle; about to sleep until it is
  // Whoever frees or grants
  kWakeDue,       // grants are made, wake-ups are not sent
  kUnregistered,  // a pool is out of the registry; its waiters still sleep
  kDismissed,     // they have been dismissed; those who held its leases are not notified

  // Transactions
  kRowsVisible,   // the transaction is over for others; before its COMMIT callback does anything
  kAborting,      // before the ABORT callback does anything
  kUndoing,       // before a record of the undo log is undone
  kChangesDone,   // definitions are applied; releases, cancels, ends of leases are not
  kApplying,      // before one definition is applied
  kServiceSet,    // what is out of service is set, if that changes; waiters are not served
  kResized,       // the size is set; waiters are not served
  kReleasingOne,  // before one release, cancel or end of a lease
  kEndingOne,     // before one lease is ended by force; releases are done
  kEntriesDone,   // all applied; before a delivery is raised

  // Delivery
  kDeliveryDue,     // there is something undelivered; before the inbox is taken
  kMessageDue,      // the inbox is taken; before one message
  kMessageWritten,  // a message is written; its entry is still undelivered

  // Definitions
  kRowRead,     // loading: the row is read, the pool not registered
  kRegistered,  // loading: the pool is registered, the row not read again
  kReadAgain,   // loading: the row is read again, the pool not locked
  kRowDiffers,  // loading: the row says something else; the pool is not dropped
  kRowWritten,  // the trigger runs: the row is written, nothing is noted
  kStubDue,     // a stub is registered for a deletion, not locked
  kSizeNoted,   // a resize: its identity is locked, and the live pool looked at
  kUnusedSeen,  // an ephemeral pool's row is locked; the pool, which seemed unused, is not closing
  kClosing,     // drop: the pool is closing; what is in it has not been looked at

  // Tokens
  kPlaceDue,         // the token is in the table; its pool is not locked, and it is in no queue
  kTokenRowDue,      // a number was got for a token; its row is not written
  kTokenRowWritten,  // the row is written; nothing else of the call is left
  kTokensDue,        // loading: fences are drawn; no lease is there yet

  // The arena
  kArenaGrowing,  // a part of its memory is got; before the next
  kArenaMade,     // it is whole; nobody knows of it

  // End of a session
  kSessionEnds,  // before the first entry is given up
  kGivingUpOne,  // before each
};

// A backend that reaches a point takes lock (its pid, gate_of(point)) in share mode, as
// pg_advisory_lock_shared(bigint) would with the two halves, and lets it go at once. While it
// cannot have it, it holds (its pid, standing_at(point)), so that pg_locks tells.
constexpr std::uint32_t gate_of(DebugPoint point) {
  return 0x6e750000u | static_cast<std::uint32_t>(point);
}
constexpr std::uint32_t standing_at(DebugPoint point) {
  return 0x6e760000u | static_cast<std::uint32_t>(point);
}

}  // namespace numpool
