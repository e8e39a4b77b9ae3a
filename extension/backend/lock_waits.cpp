#include "backend/lock_waits.h"

#include <cstdlib>

#include "pg/compat.h"

extern "C" {
#include "storage/procarray.h"
}

namespace numpool {

namespace {

std::uint32_t wait_class(const PGPROC* process) {
  const volatile std::uint32_t& event = process->wait_event_info;
  return event & 0xFF000000u;
}

// Whether the process sleeps for a lock, and its session for it. A leader that does something else
// than wait may need its workers no more.
bool sleeps_for_lock(const PGPROC* process) {
  if (process->pid == 0 || wait_class(process) != PG_WAIT_LOCK) return false;
  const PGPROC* leader = process->lockGroupLeader;
  return leader == nullptr || leader == process || wait_class(leader) == PG_WAIT_LOCK ||
         wait_class(leader) == PG_WAIT_IPC;
}

int compare_pids(const void* a, const void* b) {
  const int left = *static_cast<const int*>(a);
  const int right = *static_cast<const int*>(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

const LockInstanceData* own_instance(const BlockedProcsData& data, const BlockedProcData& blocked) {
  for (int i = 0; i < blocked.num_locks; ++i) {
    const LockInstanceData* instance = &data.locks[blocked.first_lock + i];
    if (instance->pid == blocked.pid) return instance;
  }
  return nullptr;
}

// When the wait that was copied began, if it has lasted longer than deadlock_timeout and goes on;
// else 0. A process writes down the time once it has joined the lock's queue, and says that it
// sleeps after that; so the time is that of the wait in which it sleeps now, and where it lies
// before the copy was made, that is the wait that was copied.
TimestampTz start_of_long_wait(const LockInstanceData& waiting) {
  PGPROC* process = BackendPidGetProc(waiting.pid);
  if (process == nullptr || !sleeps_for_lock(process)) return 0;
  pg_memory_barrier();
  const TimestampTz start = static_cast<TimestampTz>(pg_atomic_read_u64(&process->waitStart));
  if (start == 0) return 0;
  return TimestampDifferenceExceeds(start, GetCurrentTimestamp(), DeadlockTimeout) ? start : 0;
}

bool is_ahead(const BlockedProcsData& data, const BlockedProcData& blocked, int pid) {
  for (int i = 0; i < blocked.num_waiters; ++i)
    if (data.waiter_pids[blocked.first_waiter + i] == pid) return true;
  return false;
}

// By the rules of the lock manager: a lock that is held, or asked for by one who is ahead, and that
// conflicts; but none of one's own group.
bool blocks(const BlockedProcsData& data, const BlockedProcData& blocked,
            const LockInstanceData& waiting, const LockInstanceData& other) {
  if (other.leaderPid == waiting.leaderPid) return false;
  const LOCKMASK conflicts =
      GetLockTagsMethodTable(&waiting.locktag)->conflictTab[waiting.waitLockMode];
  if ((conflicts & other.holdMask) != 0) return true;
  return other.waitLockMode != NoLock && (conflicts & LOCKBIT_ON(other.waitLockMode)) != 0 &&
         is_ahead(data, blocked, other.pid);
}

}  // namespace

void list_lock_sleepers(PallocList<int>& sessions) {
  for (std::uint32_t i = 0; i < ProcGlobal->allProcCount; ++i) {
    const PGPROC* process = GetPGProcByNumber(i);
    const PGPROC* leader = process->lockGroupLeader;
    if ((process->statusFlags & PROC_IS_AUTOVACUUM) != 0 || !sleeps_for_lock(process)) continue;
    sessions.add(leader == nullptr ? process->pid : leader->pid);
  }
}

void sort_pids(PallocList<int>& pids) {
  if (pids.count > 1) qsort(pids.items, pids.count, sizeof(int), compare_pids);
}

bool is_listed(const PallocList<int>& pids, int pid) {
  return pids.count != 0 &&
         bsearch(&pid, pids.items, pids.count, sizeof(int), compare_pids) != nullptr;
}

void look_up_lock_waits(int session, PallocList<LockWait>& waits,
                        PallocList<LockBlocker>& blockers) {
  const BlockedProcsData& data = *GetBlockerStatusData(session);
  for (int p = 0; p < data.nprocs; ++p) {
    const BlockedProcData& blocked = data.procs[p];
    const LockInstanceData* waiting = own_instance(data, blocked);
    if (waiting == nullptr || waiting->waitLockMode == NoLock) continue;
    const TimestampTz start = start_of_long_wait(*waiting);
    if (start == 0) continue;
    const std::uint32_t wait = waits.add(
        {waiting->pid, waiting->locktag, waiting->waitLockMode, lock_transaction(*waiting), start});
    for (int i = 0; i < blocked.num_locks; ++i) {
      const LockInstanceData& other = data.locks[blocked.first_lock + i];
      // A prepared transaction has no process, and ends when somebody wants it to.
      if (other.pid != 0 && blocks(data, blocked, *waiting, other))
        blockers.add({other.leaderPid, wait});
    }
  }
}

}  // namespace numpool
