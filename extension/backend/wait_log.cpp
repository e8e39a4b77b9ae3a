#include "backend/wait_log.h"

#include "shared/pool_unlock.h"
#include "shared/session.h"

extern "C" {
#include "lib/stringinfo.h"
#include "storage/proc.h"
}

namespace numpool {

namespace {

bool log_waits = false;

// Slots, and waiters, that are looked at under the pool's lock at most.
constexpr std::uint32_t kMostSlots = 1024;
constexpr std::uint32_t kMostWaiters = 10000;

void add_pid(WaitFacts* facts, int pid) {
  for (int i = 0; i < facts->pid_count; ++i)
    if (facts->pids[i] == pid) return;
  if (facts->pid_count == WaitFacts::kMostHolders)
    facts->may_be_more = true;
  else
    facts->pids[facts->pid_count++] = pid;
}

char* describe(const WaitFacts& facts) {
  StringInfoData text;
  initStringInfo(&text);
  if (facts.position != 0)
    appendStringInfo(&text, "Position %u in the queue.", facts.position);
  else
    appendStringInfo(&text, "Position above %u in the queue.", kMostWaiters);
  if (facts.pid_count != 0) {
    appendStringInfoString(&text, " Numbers are held by processes ");
    for (int i = 0; i < facts.pid_count; ++i)
      appendStringInfo(&text, "%s%d", i == 0 ? "" : ", ", facts.pids[i]);
    appendStringInfoString(&text, facts.may_be_more ? ", and maybe by others." : ".");
  }
  if (facts.tokens != 0) appendStringInfo(&text, " Timed leases have %u.", facts.tokens);
  return text.data;
}

double milliseconds_since(TimestampTz time) {
  return static_cast<double>(GetCurrentTimestamp() - time) / 1000.0;
}

}  // namespace

WaitLog begin_wait_log() {
  if (!log_waits) return {0, DT_NOEND, false};
  const TimestampTz now = GetCurrentTimestamp();
  return {now, TimestampTzPlusMilliseconds(now, DeadlockTimeout), false};
}

WaitFacts look_at_wait(LivePool& live, Offset waiter) {
  WaitFacts facts = {};
  Pool& pool = live.pool;
  std::uint32_t position = 1;
  Offset at = pool.queue.head;
  for (; at != 0 && at != waiter && position <= kMostWaiters; ++position)
    at = region().at<Waiter>(at)->next;
  if (at == waiter) facts.position = position;
  const std::uint32_t seen = Min(pool.size, kMostSlots);
  for (std::uint32_t index = 0; index < seen; ++index) {
    const Slot& slot = pool.slot(region(), index);
    const SessionId user = user_of_slot(slot);
    const Session* session = user == 0 ? nullptr : find_session(user);
    if (session != nullptr)
      add_pid(&facts, session->pid);
    else if (slot.holder == kTokenHolder)
      ++facts.tokens;
  }
  if (pool.size > seen) facts.may_be_more = true;
  return facts;
}

void log_wait(WaitLog* log, const PoolRef* ref, const WaitFacts& facts) {
  log->due = DT_NOEND;
  log->told = true;
  char* const detail = describe(facts);
  ereport(LOG_SERVER_ONLY,
          (errmsg("process %d still waits for a number of pool \"%s\" after %.3f ms", MyProcPid,
                  ref->name, milliseconds_since(log->began)),
           errdetail_log("%s", detail)));
  pfree(detail);
}

void log_wait_over(const WaitLog& log, const PoolRef* ref, std::uint32_t index) {
  if (!log.told) return;
  ereport(LOG_SERVER_ONLY, (errmsg("process %d got number %u of pool \"%s\" after %.3f ms",
                                   MyProcPid, index, ref->name, milliseconds_since(log.began))));
}

void wait_log_define_settings() {
  DefineCustomBoolVariable("numpool.log_waits",
                           "Logs waits for a number that last longer than deadlock_timeout.",
                           nullptr, &log_waits, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

}  // namespace numpool
