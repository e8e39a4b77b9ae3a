// Who sleeps for a lock of PostgreSQL, and whom such a sleeper waits for. A session is named by the
// pid of the leader of its lock group, which is its own where it has no parallel workers.
#pragma once

#include "pg/palloc_list.h"
#include "pg/pg.h"

namespace numpool {

// A process that sleeps for a lock. Two that are alike are the same wait.
struct LockWait {
  int pid;  // of a worker, perhaps
  LOCKTAG tag;
  LOCKMODE mode;
  LocalTransactionId transaction;
  TimestampTz start;

  bool operator==(const LockWait& other) const {
    return pid == other.pid && memcmp(&tag, &other.tag, sizeof(tag)) == 0 && mode == other.mode &&
           transaction == other.transaction && start == other.start;
  }
};

struct LockBlocker {
  int pid;             // of the session that holds the lock, or is ahead of the sleeper
  std::uint32_t wait;  // of which of the waits
};

// Adds the sessions of which some process sleeps for a lock, as it looks without any lock. Workers
// of autovacuum are left out: PostgreSQL ends them where they are in the way.
void list_lock_sleepers(PallocList<int>& sessions);
void sort_pids(PallocList<int>& pids);
// Whether it is among the pids, which are sorted.
bool is_listed(const PallocList<int>& pids, int pid);

// Adds the waits of that session's processes that have lasted longer than deadlock_timeout, and who
// blocks them. Waits for all partition locks of the lock manager; call it with no numpool lock
// held.
void look_up_lock_waits(int session, PallocList<LockWait>& waits,
                        PallocList<LockBlocker>& blockers);

}  // namespace numpool
