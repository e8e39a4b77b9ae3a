#include "backend/deadlock_check.h"

#include "backend/deadlock_copy.h"
#include "backend/deadlock_report.h"
#include "core/knot.h"
#include "pg/compat.h"
#include "pg/debug_point.h"
#include "shared/place_sleep.h"
#include "shared/pool_memory.h"

extern "C" {
#include "portability/instr_time.h"
}

namespace numpool {

namespace {

std::int64_t timeout_microseconds() {
  return static_cast<std::int64_t>(DeadlockTimeout) * 1000;
}

// When this session checks if nobody has since `last`. Sessions differ, by up to a tenth, so that
// not all that sleep wake at once, and whoever is first spares the others the work.
TimestampTz due_after(TimestampTz last) {
  const std::uint32_t spread = static_cast<std::uint32_t>(my_proc_number()) * 2654435769u;
  const std::int64_t timeout = timeout_microseconds();
  return last + timeout - timeout / 10 +
         timeout / 10 * static_cast<std::int64_t>(spread >> 16) / 65536;
}

// Words of the whole for the log, and of the circle for the victim; whether its wait was ended.
bool end_wait(const DeadlockCopy& copy, const StuckSet& stuck, const KnotSet& knots,
              std::uint32_t victim) {
  const WaitGraph graph = copy.graph();
  const GraphSession& session = graph.sessions[victim];
  const CopiedPool& pool = copy.pool_info[graph.waits[session.wait].pool];
  CircleStep* steps = static_cast<CircleStep*>(palloc(sizeof(CircleStep) * graph.session_count));
  const std::uint32_t count =
      find_circle(graph, stuck, knots, victim, steps, palloc(circle_memory(graph)));
  const StringInfoData text = describe_circle(copy, steps, count, pool.database);
  const Offset offset = arena_try_allocate(offsetof(DeadlockReport, text) + text.len);
  if (offset != 0) {
    DeadlockReport* report = region().at<DeadlockReport>(offset);
    report->length = static_cast<std::uint32_t>(text.len);
    memcpy(report->text, text.data, text.len);
  }
  debug_point(DebugPoint::kVictimChosen);

  WakeList wake;
  bool ended = false;
  LivePool* live = live_pool_at(pool.live);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  Session* record = find_session(copy.who[victim].sleeper);
  if (record != nullptr && is_in_wait(record->sleeper, session.serial)) {
    // NB: before the victim can see that it is one.
    record->deadlock_report.store(offset);
    ended = condemn_sleeper(*record, *live, session.serial, wake);
    if (!ended) record->deadlock_report.store(0);
  }
  LWLockRelease(&live->lock);
  wake_all(wake);
  if (!ended) arena_free(offset);
  if (ended) log_deadlock(copy, stuck, knots, steps, count);
  return ended;
}

void report_too_much() {
  if (arena().check_gave_up.exchange(true)) return;
  ereport(LOG, (errmsg("numpool does not look for deadlocks while more than %u sessions wait, for "
                       "more than %u others, in pools of more than %u numbers together",
                       kMostSessions, kMostEdges, kMostSlots)));
}

// Who is stuck by a copy, and where that leads to: false if nowhere.
bool find_deadlocks(const DeadlockCopy& copy, StuckSet* stuck, KnotSet* knots) {
  const WaitGraph graph = copy.graph();
  *stuck = find_stuck(graph, palloc(stuck_memory(graph)));
  if (stuck->count == 0) return false;
  *knots = find_knots(graph, *stuck, palloc(knot_memory(graph)));
  for (std::uint32_t k = 0; k < knots->count; ++k)
    if (knots->victims[k] != kNone32) return true;
  return false;
}

// In a memory context of its own. How many waits were ended.
std::uint32_t check_all(DeadlockCopy* first, DeadlockCopy* second) {
  StuckSet stuck;
  KnotSet knots;
  if (!look_at_all(first)) {
    report_too_much();
    return 0;
  }
  debug_point(DebugPoint::kLookedOnce);
  if (!find_deadlocks(*first, &stuck, &knots)) return 0;
  if (!look_again(second, *first, stuck)) {
    report_too_much();
    return 0;
  }
  debug_point(DebugPoint::kLookedAgain);
  if (!find_deadlocks(*second, &stuck, &knots)) return 0;
  std::uint32_t ended = 0;
  for (std::uint32_t k = 0; k < knots.count; ++k)
    if (knots.victims[k] != kNone32 && end_wait(*second, stuck, knots, knots.victims[k])) ++ended;
  return ended;
}

}  // namespace

TimestampTz first_check(TimestampTz now) {
  return now + timeout_microseconds();
}

TimestampTz check_for_deadlocks() {
  const TimestampTz now = GetCurrentTimestamp();
  std::int64_t last = arena().last_check.load();
  // A clock that was set back makes the last one seem to be in the future.
  if (last <= now && now < due_after(last)) return due_after(last);
  if (!arena().last_check.compare_exchange_strong(last, now)) return due_after(last);
  debug_point(DebugPoint::kCheckDue);

  MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "numpool deadlock check", ALLOCSET_DEFAULT_SIZES);
  MemoryContext before = MemoryContextSwitchTo(memory);
  DeadlockCopy first = {};
  DeadlockCopy second = {};
  instr_time began;
  INSTR_TIME_SET_CURRENT(began);
  const std::uint32_t ended = check_all(&first, &second);
  instr_time took;
  INSTR_TIME_SET_CURRENT(took);
  INSTR_TIME_SUBTRACT(took, began);
  ereport(DEBUG1,
          (errmsg_internal("numpool: check of %u sessions in %u pools took %.3f ms, locked %.3f ms "
                           "at most, ended %u waits",
                           first.sessions.count, first.pools.count, INSTR_TIME_GET_MILLISEC(took),
                           Max(first.longest_hold, second.longest_hold), ended)));
  MemoryContextSwitchTo(before);
  MemoryContextDelete(memory);
  return due_after(now);
}

void report_deadlock() {
  const Offset offset = my_session().deadlock_report.exchange(0);
  const char* detail = "The circle is in the server's log.";
  if (offset != 0) {
    const DeadlockReport* report = region().at<DeadlockReport>(offset);
    detail = pnstrdup(report->text, report->length);
    arena_free(offset);
  }
  pgstat_report_deadlock();
  ereport(ERROR, (errcode(ERRCODE_T_R_DEADLOCK_DETECTED), errmsg("deadlock detected"),
                  errdetail_internal("%s", detail),
                  errhint("See server log for all that is tied up in it. Before you try again, "
                          "release the numbers that this session holds.")));
}

void forget_deadlock() {
  arena_free(my_session().deadlock_report.exchange(0));
}

}  // namespace numpool
