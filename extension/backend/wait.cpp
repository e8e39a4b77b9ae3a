#include "backend/wait.h"

#include "backend/deadlock_check.h"
#include "backend/definitions.h"
#include "backend/ledger_end.h"
#include "backend/ledger_undelivered.h"
#include "backend/patience.h"
#include "backend/token_uses.h"
#include "pg/client_socket.h"
#include "pg/compat.h"
#include "pg/debug_point.h"
#include "shared/session.h"

namespace numpool {

namespace {

std::uint32_t turn_wait_event() {
  static std::uint32_t event = 0;
  if (event == 0) event = compat::WaitEventExtensionNew("NumpoolAcquire");
  return event;
}

// What a sleeper waits for: latch, postmaster, and the end of its client's connection. A set of its
// own: PostgreSQL's FeBeWaitSet waits for what the client sends, and to change that for each sleep,
// and back for the next read, would be two system calls.
constexpr int kMostEvents = 3;

WaitEventSet* sleepers_set() {
  static WaitEventSet* set = nullptr;
  static bool is_whole = false;
  if (is_whole) return set;
  if (set != nullptr) FreeWaitEventSet(set);  // an error came before it was whole
  set = nullptr;
  set = compat::CreateWaitEventSet(nullptr, kMostEvents);
  AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
  AddWaitEventToSet(set, WL_POSTMASTER_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
  if (WaitEventSetCanReportClosed())
    AddWaitEventToSet(set, WL_SOCKET_CLOSED, client_socket(), nullptr, nullptr);
  is_whole = true;
  return set;
}

// -1: without a limit.
void sleep_milliseconds(long timeout, std::uint32_t wait_event) {
  if (FeBeWaitSet == nullptr) {  // a background worker
    WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0),
              timeout, wait_event);
    ResetLatch(MyLatch);
    return;
  }
  WaitEvent events[kMostEvents];
  const int count = WaitEventSetWait(sleepers_set(), timeout, events, kMostEvents, wait_event);
  for (int i = 0; i < count; ++i) {
    if (events[i].events & WL_POSTMASTER_DEATH)
      ereport(FATAL, (errcode(ERRCODE_ADMIN_SHUTDOWN),
                      errmsg("terminating connection due to unexpected postmaster exit")));
    if (events[i].events & WL_SOCKET_CLOSED) {
      ClientConnectionLost = true;
      InterruptPending = true;
    }
  }
  ResetLatch(MyLatch);
}

}  // namespace

void sleep_once(TimestampTz deadline, std::uint32_t wait_event) {
  sleep_milliseconds(milliseconds_until(deadline), wait_event);
}

namespace {

// While it sleeps, a ticket of this session may have been granted the last number that others held,
// or a shrink may have left it all the numbers there are.
void refuse_own_deadlock(LedgerEntry* entry) {
  if (my_session().inbox.head.load(std::memory_order_relaxed) != 0) collect_undelivered();
  if (entry->ref->held == 0) return;
  if (!lock_ref(entry->ref)) return;
  const bool refused = waits_for_itself(entry->ref);
  unlock_ref(entry->ref);
  if (refused) report_own_deadlock(entry->ref);
}

}  // namespace

void sleep_for_turn(TimestampTz deadline) {
  sleep_once(deadline, turn_wait_event());
}

bool waits_for_itself(const PoolRef* ref) {
  Pool& pool = live_of(ref)->pool;
  if (ref->held == 0 || ref->held + pool.out.count < pool.size) return false;
  return pool_sole_holder(region(), pool) == my_session_id();
}

void report_own_deadlock(const PoolRef* ref) {
  ereport(ERROR,
          (errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errmsg("deadlock detected"),
           errdetail("This session holds every number of pool \"%s\" and would wait for one more.",
                     ref->name),
           errhint("Release a number first.")));
}

namespace {

// Unless the wait has just ended.
void log_turn(WaitLog* log, const LedgerEntry* entry) {
  // NB: locked as in leave_queue: while the record is queued, its pool is the one that it joined.
  LivePool* live = live_pool_at(entry->live);
  const Waiter& waiter = *region().at<Waiter>(entry->waiter);
  LWLockAcquire(&live->lock, LW_SHARED);
  const bool waits = waiter.state.load(std::memory_order_acquire) == WaiterState::kQueued;
  const WaitFacts facts = waits ? look_at_wait(*live, entry->waiter) : WaitFacts{};
  LWLockRelease(&live->lock);
  if (waits) log_wait(log, entry->ref, facts);
}

}  // namespace

WaitEnd wait_for_turn(LedgerEntry* entry, TimestampTz deadline, WaitLog* log) {
  const Waiter& waiter = *region().at<Waiter>(entry->waiter);
  const Deadlines deadlines(deadline);
  // A wait with a timeout of its own is in no deadlock, so it need not look for one.
  TimestampTz check = deadline == DT_NOEND ? first_check(waiter.since) : DT_NOEND;
  debug_point(DebugPoint::kJoined);
  for (;;) {
    if (waiter.state.load(std::memory_order_acquire) != WaiterState::kQueued) return WaitEnd::kOver;
    refuse_own_deadlock(entry);
    if (deadlines.passed()) return WaitEnd::kTimeout;
    const TimestampTz other = Min(deadlines.next(), log->due);
    const long left = milliseconds_until(Min(check, other));
    if (left == 0) {
      if (check <= other)
        check = check_for_deadlocks();
      else if (wait_log_due(*log))
        log_turn(log, entry);
      continue;
    }
    debug_point(DebugPoint::kBeforeSleep);
    sleep_milliseconds(left, turn_wait_event());
    debug_point(DebugPoint::kWoken);
    CHECK_FOR_INTERRUPTS();
  }
}

bool wait_for_transaction(TransactionId transaction, TimestampTz deadline) {
  return wait_for_locks(
      deadline,
      [](void* argument) {
        XactLockTableWait(*static_cast<TransactionId*>(argument), nullptr, nullptr, XLTW_None);
      },
      &transaction);
}

void report_dropped(const PoolRef* ref) {
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                  errmsg("pool \"%s\" was dropped while waiting for it", ref->name)));
}

void check_may_wait(PoolRef* ref) {
  if (changed_definitions()) {
    unlock_ref(ref);
    report_uncommitted_change(ref);
  }
  if (uses_tokens()) {
    unlock_ref(ref);
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot wait for pool \"%s\" in a transaction that has taken, kept or "
                           "released a timed lease",
                           ref->name),
                    errhint("Commit first.")));
  }
  if (waits_for_itself(ref)) {
    unlock_ref(ref);
    report_own_deadlock(ref);
  }
}

LedgerEntry* wait_in_queue(LedgerEntry* entry, TimestampTz deadline) {
  WaitLog log = begin_wait_log();
  const WaitEnd end = wait_for_turn(entry, deadline, &log);
  debug_point(end == WaitEnd::kTimeout ? DebugPoint::kTimedOut : DebugPoint::kTurnSeen);
  // If one of these ends in an error, the undo log gives the entry up.
  if (!definitions_exist()) report_dropped(entry->ref);
  if (end == WaitEnd::kTimeout && leave_queue(entry, Leave::kTimeout)) {
    unlog_created(entry);
    discard_entry(entry);
    return nullptr;
  }
  const Waiter& waiter = *region().at<Waiter>(entry->waiter);
  const WaiterState state = waiter.state.load(std::memory_order_acquire);
  if (state == WaiterState::kDropped) report_dropped(entry->ref);
  if (state == WaiterState::kVictim) report_deadlock();
  note_grant(entry, waiter.index, waiter.fence);
  entry->learnt = true;
  log_wait_over(log, entry->ref, entry->index);
  return entry;
}

bool own_ticket_was_granted() {
  return my_session().inbox.head.load(std::memory_order_relaxed) != 0;
}

}  // namespace numpool
