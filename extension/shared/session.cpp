#include "shared/session.h"

#include "pg/compat.h"
#include "pg/debug_point.h"
#include "shared/arena.h"

namespace numpool {

namespace {

Session* sessions = nullptr;  // by process number

}  // namespace

Session* own_session = nullptr;

void use_sessions(Session* records) {
  sessions = records;
}

void session_enter(Session* records, SessionId serial) {
  sessions = records;
  own_session = &sessions[my_proc_number()];
  Session& session = *own_session;
  session.inbox.head.store(0, std::memory_order_relaxed);
  session.listens.store(false, std::memory_order_relaxed);
  session.lost_leases.store(false, std::memory_order_relaxed);
  session.gives_up_by_itself.store(false, std::memory_order_relaxed);
  session.deadlock_report.store(0, std::memory_order_relaxed);
  session.pid = MyProcPid;
  session.role = GetSessionUserId();
  session.signal_slot = my_signal_slot();
  session.sleeper.kind = WaiterKind::kBlocking;
  session.sleeper.state.store(WaiterState::kIdle, std::memory_order_relaxed);
  const SessionId id = (serial << kProcessBits) | static_cast<SessionId>(my_proc_number());
  session.sleeper.session = id;
  session.id.store(id, std::memory_order_release);
}

void session_leave() {
  own_session->id.store(0, std::memory_order_release);
  own_session = nullptr;
}

Session* all_sessions() {
  return sessions;
}

Session* find_session(SessionId id) {
  if (id == 0 || process_of(id) >= arena().session_count) return nullptr;  // nobody, or a token
  Session& session = sessions[process_of(id)];
  return session.id.load(std::memory_order_acquire) == id ? &session : nullptr;
}

void signal_session(const Session& session) {
  SendProcSignal(session.pid, PROCSIG_NOTIFY_INTERRUPT, session.signal_slot);
}

void wake_all(WakeList& list) {
  if (list.begin() != list.end()) debug_point(DebugPoint::kWakeDue);
  for (const WakeList::Wakeup& wakeup : list) {
    const Session* session = find_session(wakeup.session);
    if (session == nullptr) continue;
    if (wakeup.kind == WaiterKind::kBlocking)
      SetLatch(&GetPGProcByNumber(process_of(wakeup.session))->procLatch);
    else
      signal_session(*session);
  }
  list.clear();
}

}  // namespace numpool
