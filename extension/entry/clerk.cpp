// The clerk: the one background worker of numpool. It sleeps until something of a token will be
// over, ends that, and passes the number on. It reads no catalog and is in no database.

#include "core/timed_lease.h"
#include "pg/compat.h"
#include "shared/due_pools.h"
#include "shared/pool_unlock.h"
#include "shared/segment.h"
#include "shared/session.h"

extern "C" {
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
}

namespace numpool {

namespace {

// Between two runs: what is due in between waits so long, and is ended at once.
constexpr long kRestMilliseconds = 4;

void on_detach(dsm_segment*, Datum) {
  leave_clerk();
  arena_use(nullptr);
}

// False: there is nothing for a clerk to do, since the server has just started, or another is
// there.
bool take_office() {
  // Mapping wants a resource owner.
  StartTransactionCommand();
  const bool made = segment_is_made();
  if (made) {
    dsm_segment* segment = segment_map();
    on_dsm_detach(segment, on_detach, 0);
    dsm_pin_mapping(segment);
    arena_use(static_cast<ArenaControl*>(dsm_segment_address(segment)));
  }
  CommitTransactionCommand();
  if (!made) return false;
  use_sessions(region().at<Session>(arena().sessions));
  return become_clerk();
}

// Ends what is due in a pool. Between batches others get at it, and interrupts are taken in.
void end_due_in(Offset at, std::uint64_t generation) {
  bool more = true;
  while (more) {
    LivePool* live = live_pool_at(at);
    LWLockAcquire(&live->lock, LW_EXCLUSIVE);
    if (live->generation != generation || live->state != LiveState::kLive) {
      LWLockRelease(&live->lock);
      return;
    }
    WakeList wake;
    live->noted_due = INT64_MAX;
    more = end_due(*live, wake);
    debug_check(*live);
    unlock_timed_pool(live);  // puts it back
    wake_all(wake);
    CHECK_FOR_INTERRUPTS();
  }
}

// How long to sleep, in milliseconds; -1: until somebody has something for the clerk.
long end_all_due() {
  Offset live;
  std::uint64_t generation;
  std::int64_t next;
  while (take_due_pool(monotonic_now(), &live, &generation, &next)) end_due_in(live, generation);
  if (next == INT64_MAX) return -1;
  const std::int64_t left = (next - monotonic_now() + 999) / 1000;
  if (left < 0) return 0;
  return left > INT_MAX ? INT_MAX : static_cast<long>(left);
}

}  // namespace

}  // namespace numpool

extern "C" {

PGDLLEXPORT void numpool_clerk_main(Datum);
PGDLLEXPORT void numpool_clerk_main(Datum) {
  using namespace numpool;
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  // There is no statement to cancel, and an error would end it.
  pqsignal(SIGINT, SIG_IGN);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  if (!take_office()) proc_exit(0);
  const std::uint32_t wait_event = compat::WaitEventExtensionNew("NumpoolClerk");
  for (;;) {
    const long timeout = end_all_due();
    pgstat_report_activity(STATE_IDLE, nullptr);
    WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0),
              timeout, wait_event);
    // What is put off now, is done at once with more.
    WaitLatch(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kRestMilliseconds, wait_event);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
  }
}

}  // extern "C"
