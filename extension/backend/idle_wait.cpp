#include "backend/idle_wait.h"

#include "backend/deadlock_check.h"
#include "backend/definitions.h"
#include "backend/ledger_undelivered.h"
#include "backend/lease_ends.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/wait.h"
#include "core/idle_time.h"
#include "pg/compat.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "shared/idle_watch.h"
#include "shared/session.h"

namespace numpool {

namespace {

std::uint32_t idle_wait_event() {
  static std::uint32_t event = 0;
  if (event == 0) event = compat::WaitEventExtensionNew("NumpoolIdle");
  return event;
}

// What the session has in the pool would never go while it waits.
void require_nothing_of(const PoolRef* ref) {
  collect_undelivered();
  dlist_iter at;
  dlist_foreach(at, all_entries()) {
    LedgerEntry* entry = dlist_container(LedgerEntry, node, at.cur);
    if (entry->ref != ref || entry->state == EntryState::kNew ||
        entry->state == EntryState::kDropped)
      continue;
    ereport(ERROR,
            (errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errmsg("deadlock detected"),
             errdetail("This session has a number of pool \"%s\", or waits for one, and would wait "
                       "until nobody does.",
                       ref->name),
             errhint("Release it first, and commit.")));
  }
}

// kAgain: another pool has come in the place of the one that was watched.
enum class Look : std::uint8_t { kIdle, kBusy, kAgain, kGone, kLocked };

// Watches the pool, which is locked and busy. `watches`: this session watches one already.
Look watch(PoolRef* ref, LivePool* live, TimestampTz deadline, bool* watches) {
  if (!watches_pool(*live)) {
    if (*watches) return Look::kAgain;
    check_may_wait(ref);
    begin_idle_watch(*live, deadline != DT_NOEND);
    *watches = true;
  }
  live->watched = true;
  return Look::kBusy;
}

// Looks at the pool, and watches it from then on if it is busy.
Look look_at_pool(PoolRef* ref, TimestampTz deadline, bool* watches) {
  if (lock_ref(ref)) {
    LivePool* live = live_of(ref);
    Look look = is_vacant(live->pool) ? Look::kIdle : Look::kBusy;
    if (look == Look::kBusy && deadline != kNoWait) look = watch(ref, live, deadline, watches);
    unlock_pool(live);
    return look;
  }
  // It is not live, so there is nobody in it; unless it has been dropped.
  Definition definition;
  switch (read_definition(ref->key.identity, deadline, &definition)) {
    case Lookup::kFound:
      return Look::kIdle;
    case Lookup::kAbsent:
      return Look::kGone;
    case Lookup::kLocked:
      break;
  }
  return Look::kLocked;
}

bool sleep_until_idle(PoolRef* ref, TimestampTz deadline) {
  const Deadlines deadlines(deadline);
  // As in wait_for_turn.
  TimestampTz check = deadline == DT_NOEND ? first_check(GetCurrentTimestamp()) : DT_NOEND;
  bool watches = false;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    if (!definitions_exist()) report_dropped(ref);
    if (watches && is_watch_victim()) report_deadlock();
    const Look look = look_at_pool(ref, deadline, &watches);
    if (look == Look::kGone && watches) report_dropped(ref);
    if (look == Look::kGone) report_no_pool(ref->name);
    if (look == Look::kAgain) {
      end_idle_wait();
      watches = false;
      continue;
    }
    if (look != Look::kBusy) return look == Look::kIdle;
    if (deadlines.passed()) return false;
    if (milliseconds_until(check) == 0) {
      check = check_for_deadlocks();
      continue;
    }
    debug_point(DebugPoint::kWatching);
    sleep_once(Min(deadlines.next(), check), idle_wait_event());
  }
}

}  // namespace

void end_idle_wait() {
  if (end_idle_watch()) forget_deadlock();
}

bool wait_until_idle(text* name, Patience patience) {
  const TimestampTz deadline = deadline_of(patience);
  PoolRef* ref = require_pool(name, deadline);
  if (ref == nullptr) return false;
  require_use(ref);
  require_nothing_of(ref);
  require_no_lease_ends(ref);
  const bool is_idle = sleep_until_idle(ref, deadline);
  end_idle_wait();
  return is_idle;
}

}  // namespace numpool
