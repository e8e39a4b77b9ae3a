// The shared record of a session: who it is, how to wake it, and where it sleeps. One a backend, in
// an array by process number, so that a blocking waiter needs no allocation.
#pragma once

#include "core/pool.h"
#include "core/wait_queue.h"
#include "pg/pg.h"

namespace numpool {

// A SessionId is a serial that is never reused while the server runs, above the number of the
// process: MAX_BACKENDS fits in 18 bits.
constexpr unsigned kProcessBits = 18;

inline std::uint32_t process_of(SessionId id) {
  return static_cast<std::uint32_t>(id & ((SessionId{1} << kProcessBits) - 1));
}

struct Session {
  std::atomic<SessionId> id;      // 0: no session
  Inbox inbox;                    // tickets granted or dropped, not yet collected
  Waiter sleeper;                 // the waiter of a blocking acquire
  std::atomic<bool> listens;      // has a channel: its client is told of a forced drop
  std::atomic<bool> lost_leases;  // a forced drop has taken a lease of it since it last looked
  // The pool in whose queue `sleeper` is. Stored before its state becomes kQueued, as its serial.
  std::atomic<Offset> sleeps_in;
  // It waits for a transaction that drops a pool, but not for ever.
  std::atomic<bool> gives_up_by_itself;
  // Of a kVictim: what it is to tell its client (DeadlockReport), for it to free; 0: nothing.
  std::atomic<Offset> deadlock_report;
  int pid;
  Oid role;         // as which it has logged in
  int signal_slot;  // SendProcSignal's name for the backend
};

// Fills in and publishes this backend's record in the array of all. Cannot fail.
void session_enter(Session* records, SessionId serial);
// The same for a process that has no record, and only wakes others.
void use_sessions(Session* records);
// Withdraws it. Cannot fail.
void session_leave();

// Valid in between.
[[gnu::visibility("hidden")]] extern Session* own_session;
inline Session& my_session() {
  return *own_session;
}
inline SessionId my_session_id() {
  return my_session().id.load(std::memory_order_relaxed);
}

// Wakes every session in the list, and clears the list. Stale entries are harmless. Cannot fail; no
// lock needed.
void wake_all(WakeList& list);

// Makes a session that listens look at its inbox and for lost leases. Cannot fail.
void signal_session(const Session& session);

// The session's record if it is still that session's, else nullptr.
Session* find_session(SessionId id);
// All records, by process number: arena().session_count of them.
Session* all_sessions();

}  // namespace numpool
