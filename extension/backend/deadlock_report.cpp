#include "backend/deadlock_report.h"

#include "backend/definitions.h"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/backend_status.h"
}

namespace numpool {

namespace {

// 'pool "gpu"', or, of a pool in another database, whose names may be in another encoding, no name.
void append_pool(StringInfo text, const CopiedPool& pool, Oid database) {
  char name[kMaxNameLength * 4];
  std::uint32_t length = 0;
  if (pool.database == database) {
    LivePool* live = live_pool_at(pool.live);
    LWLockAcquire(&live->lock, LW_SHARED);
    if (live->generation == pool.generation && live->name != 0) {
      length = Min(live->name_length, static_cast<std::uint32_t>(sizeof(name)));
      memcpy(name, region().at<char>(live->name), length);
    }
    LWLockRelease(&live->lock);
  }
  if (length != 0) {
    appendStringInfoString(text, "pool \"");
    appendBinaryStringInfo(text, name, static_cast<int>(length));
    appendStringInfoChar(text, '"');
  } else {
    appendStringInfo(text, "a pool of database %u", pool.database);
  }
}

void append_wait_for_pool(StringInfo text, const DeadlockCopy& copy, std::uint32_t session,
                          Oid database) {
  const GraphWait& wait = copy.waits[copy.sessions[session].wait];
  appendStringInfo(text, "Process %d waits for ", copy.who[session].pid);
  if (wait.wanted == 1)
    appendStringInfoString(text, "a number of ");
  else
    appendStringInfo(text, "%u numbers of ", wait.wanted);
  append_pool(text, copy.pool_info[wait.pool], database);
}

void append_lock_wait(StringInfo text, const DeadlockCopy& copy, std::uint32_t session,
                      std::uint32_t blocker) {
  const LockWait& wait = copy.lock_waits[copy.blocker_waits[blocker]];
  appendStringInfo(text, "Process %d waits for %s on ", wait.pid,
                   GetLockmodeName(wait.tag.locktag_lockmethodid, wait.mode));
  DescribeLockTag(text, &wait.tag);
  if (wait.pid != copy.who[session].pid)
    appendStringInfo(text, " for process %d", copy.who[session].pid);
  appendStringInfo(text, "; blocked by process %d.", copy.who[copy.blockers[blocker]].pid);
}

void append_step(StringInfo text, const DeadlockCopy& copy, const CircleStep& step, int next,
                 Oid database) {
  switch (step.waits_for) {
    case WaitsFor::kTurn:
      append_wait_for_pool(text, copy, step.session, database);
      appendStringInfo(text, " behind process %d.", next);
      break;
    case WaitsFor::kNumber:
      append_wait_for_pool(text, copy, step.session, database);
      appendStringInfo(text, "; number %u is held by process %d.", copy.holdings[step.what].index,
                       next);
      break;
    case WaitsFor::kLock:
      append_lock_wait(text, copy, step.session, step.what);
      break;
  }
}

void append_circle(StringInfo text, const DeadlockCopy& copy, const CircleStep* steps,
                   std::uint32_t count, Oid database) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i != 0) appendStringInfoChar(text, '\n');
    append_step(text, copy, steps[i], copy.who[steps[(i + 1) % count].session].pid, database);
  }
}

// All for whom a session of the knot waits.
void append_all_waits(StringInfo text, const DeadlockCopy& copy, const StuckSet& stuck,
                      std::uint32_t session) {
  const GraphSession& graph_session = copy.sessions[session];
  for (std::uint32_t i = 0; i < graph_session.blocker_count; ++i) {
    const std::uint32_t blocker = graph_session.first_blocker + i;
    if (!stuck.stuck[copy.blockers[blocker]]) continue;
    appendStringInfoChar(text, '\n');
    append_lock_wait(text, copy, session, blocker);
  }
  if (graph_session.wait == kNone32) return;
  const GraphWait& wait = copy.waits[graph_session.wait];
  appendStringInfoChar(text, '\n');
  append_wait_for_pool(text, copy, session, MyDatabaseId);
  if (graph_session.wait != stuck.first_wait[wait.pool])
    appendStringInfo(text, " behind process %d",
                     copy.who[copy.waits[graph_session.wait - 1].session].pid);
  const GraphPool& pool = copy.pools[wait.pool];
  for (std::uint32_t i = 0; i < pool.holding_count; ++i) {
    const GraphHolding& holding = copy.holdings[pool.first_holding + i];
    if (stuck.stuck[holding.session])
      appendStringInfo(text, "%s process %d holds %u", i == 0 ? ";" : ",",
                       copy.who[holding.session].pid, holding.count);
  }
  appendStringInfoChar(text, '.');
}

}  // namespace

StringInfoData describe_circle(const DeadlockCopy& copy, const CircleStep* steps,
                               std::uint32_t count, Oid database) {
  StringInfoData text;
  initStringInfo(&text);
  append_circle(&text, copy, steps, count, database);
  if (static_cast<std::size_t>(text.len) <= kMostReportText) return text;
  int end = static_cast<int>(kMostReportText);
  while (end > 0 && text.data[end] != '\n') --end;
  text.len = end;
  text.data[end] = '\0';
  return text;
}

void log_deadlock(const DeadlockCopy& copy, const StuckSet& stuck, const KnotSet& knots,
                  const CircleStep* steps, std::uint32_t count) {
  StringInfoData text;
  initStringInfo(&text);
  append_circle(&text, copy, steps, count, MyDatabaseId);
  const std::uint32_t knot = knots.knots[steps[0].session];
  appendStringInfoString(&text, "\nAll waits that are tied up in it:");
  for (std::uint32_t s = 0; s < copy.sessions.count; ++s)
    if (knots.knots[s] == knot) append_all_waits(&text, copy, stuck, s);
  for (std::uint32_t s = 0; s < copy.sessions.count; ++s)
    if (knots.knots[s] == knot)
      appendStringInfo(&text, "\nProcess %d: %s", copy.who[s].pid,
                       pgstat_get_backend_current_activity(copy.who[s].pid, false));
  ereport(LOG, (errmsg("deadlock of %u processes over numpool: the wait of process %d is ended",
                       count, copy.who[steps[0].session].pid),
                errdetail_log("%s", text.data), errhidestmt(true)));
}

}  // namespace numpool
