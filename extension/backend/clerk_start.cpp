#include "backend/clerk_start.h"

#include "pg/pg.h"
#include "shared/due_pools.h"

extern "C" {
#include "postmaster/bgworker.h"
}

namespace numpool {

namespace {

// Allocates nothing, and takes one lock of PostgreSQL's.
bool register_clerk() {
  BackgroundWorker worker;
  MemSet(&worker, 0, sizeof(worker));
  // As the launcher of logical replication: it is seen in pg_stat_activity, can be terminated, and
  // is in no database.
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = 1;
  strlcpy(worker.bgw_library_name, "numpool", sizeof(worker.bgw_library_name));
  strlcpy(worker.bgw_function_name, "numpool_clerk_main", sizeof(worker.bgw_function_name));
  strlcpy(worker.bgw_name, "numpool clerk", sizeof(worker.bgw_name));
  strlcpy(worker.bgw_type, "numpool clerk", sizeof(worker.bgw_type));
  return RegisterDynamicBackgroundWorker(&worker, nullptr);
}

void report_no_clerk(int level) {
  ereport(level, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                  errmsg("could not start the background worker of numpool"),
                  errhint("Raise max_worker_processes.")));
}

}  // namespace

void require_clerk() {
  if (!start_clerk_once(register_clerk)) report_no_clerk(ERROR);
}

void require_clerk_later() {
  if (!start_clerk_once(register_clerk)) arena().clerk_is_missing.store(true);
}

void start_clerk_for_loaded() {
  // Whoever makes the first record of another kind starts it himself.
  if (arena().clerk_is_started.load(std::memory_order_relaxed) ||
      (arena().timed_bytes.load(std::memory_order_relaxed) == 0 &&
       !arena().clerk_is_missing.load(std::memory_order_relaxed)))
    return;
  static bool warned = false;
  if (start_clerk_once(register_clerk) || warned) return;
  warned = true;
  report_no_clerk(WARNING);
}

}  // namespace numpool
