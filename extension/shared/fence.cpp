#include "shared/fence.h"

#include "shared/arena.h"
#include "pg/compat.h"
#include "pg/debug_point.h"
#include "pg/errors.h"

extern "C" {
#include "commands/sequence.h"
#include "replication/syncrep.h"
#include "storage/bufmgr.h"
#include "utils/resowner.h"
}

namespace numpool {

namespace {

constexpr std::int64_t kBlockSize = std::int64_t{1} << 36;  // the sequence's increment
// More than the arrivals that can be under way: each holds memory or a backend, and takes one
// number at most.
constexpr std::int64_t kArrivals = std::int64_t{1} << 32;

// Whether synchronous standbys, if commits of this session wait for any, have what precedes `lsn`.
bool replicated_as_commits_are(XLogRecPtr lsn) {
  if (!SyncRepRequested()) return true;
  int mode = SYNC_REP_WAIT_FLUSH;
  if (synchronous_commit == SYNCHRONOUS_COMMIT_REMOTE_WRITE) mode = SYNC_REP_WAIT_WRITE;
  if (synchronous_commit == SYNCHRONOUS_COMMIT_REMOTE_APPLY) mode = SYNC_REP_WAIT_APPLY;
  LWLockAcquire(SyncRepLock, LW_SHARED);
  const bool reached = !sync_standbys_defined() || WalSndCtl->lsn[mode] >= lsn;
  LWLockRelease(SyncRepLock);
  return reached;
}

// The end of the last WAL record of the sequence: what covers every value it has given.
XLogRecPtr last_change_of(Oid sequence) {
  Relation relation = relation_open(sequence, AccessShareLock);
  Buffer buffer = ReadBuffer(relation, 0);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const XLogRecPtr lsn = PageGetLSN(BufferGetPage(buffer));
  UnlockReleaseBuffer(buffer);
  relation_close(relation, AccessShareLock);
  return lsn;
}

// nextval keeps a lock on the sequence until the transaction ends, and a wait may follow (rule D7):
// so it is taken here and given back. nextval itself locks once a transaction, by the top
// transaction's resource owner.
class SequenceLock {
 public:
  explicit SequenceLock(Oid sequence) : sequence_(sequence) {
    LockRelationOid(sequence_, RowExclusiveLock);
  }
  // After nextval.
  void unlock() const {
    static LocalTransactionId last_transaction = InvalidLocalTransactionId;
    const bool first = last_transaction != my_local_transaction();
    last_transaction = my_local_transaction();
    if (first) {
      ResourceOwner owner = CurrentResourceOwner;
      CurrentResourceOwner = TopTransactionResourceOwner;
      UnlockRelationOid(sequence_, RowExclusiveLock);
      CurrentResourceOwner = owner;
    }
    UnlockRelationOid(sequence_, RowExclusiveLock);
  }

 private:
  Oid sequence_;
};

std::int64_t take_block(Oid sequence) {
  const SequenceLock lock(sequence);
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sequence))) report_not_installed();
  // A fence is no part of what the user's READ ONLY forbids. An error restores the setting with the
  // transaction.
  const bool read_only = XactReadOnly;
  XactReadOnly = false;
  const std::int64_t start = nextval_internal(sequence, false);
  XactReadOnly = read_only;
  const XLogRecPtr lsn = last_change_of(sequence);
  lock.unlock();

  XLogFlush(lsn);
  HOLD_INTERRUPTS();
  SyncRepWaitForLSN(lsn, true);
  RESUME_INTERRUPTS();
  CHECK_FOR_INTERRUPTS();
  // A cancel ends that wait with no more than a warning.
  if (!replicated_as_commits_are(lsn))
    ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
                    errmsg("canceling the wait for the replication of a block of fences")));
  return start;
}

}  // namespace

Offset fence_use(Oid sequence, Offset* spare) {
  Offset unused = 0;
  for (Offset at = arena().fences; at != 0; at = region().at<FenceBlock>(at)->following) {
    FenceBlock& block = *region().at<FenceBlock>(at);
    if (block.database == MyDatabaseId && block.sequence == sequence) {
      ++block.users;
      return at;
    }
    if (block.users == 0) unused = at;
  }
  Offset taken = unused;
  if (taken == 0 && *spare != 0) {
    taken = *spare;
    *spare = 0;
    new (region().at<FenceBlock>(taken)) FenceBlock{};
    region().at<FenceBlock>(taken)->following = arena().fences;
    arena().fences = taken;
  }
  if (taken == 0) return 0;
  FenceBlock& block = *region().at<FenceBlock>(taken);
  block.database = MyDatabaseId;
  block.sequence = sequence;
  block.users = 1;
  block.next.store(0, std::memory_order_relaxed);
  block.limit.store(0, std::memory_order_relaxed);
  return taken;
}

void fence_disuse(Offset block) {
  if (block != 0) --region().at<FenceBlock>(block)->users;
}

bool fence_covers_arrival(Offset offset) {
  const FenceBlock& block = *region().at<FenceBlock>(offset);
  const std::int64_t limit = block.limit.load(std::memory_order_acquire);
  return limit - block.next.load(std::memory_order_relaxed) > kArrivals;
}

bool fence_extend(Offset offset, Oid sequence) {
  debug_point(DebugPoint::kBlockWanted);
  const std::int64_t start = take_block(sequence);
  debug_point(DebugPoint::kBlockTaken);
  // Two may have taken one each: the lower is of no use once the higher is installed.
  LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
  FenceBlock& block = *region().at<FenceBlock>(offset);
  const bool same = block.database == MyDatabaseId && block.sequence == sequence;
  if (same && start > block.next.load(std::memory_order_relaxed)) {
    block.next.store(start, std::memory_order_relaxed);
    block.limit.store(start + kBlockSize, std::memory_order_release);
  }
  LWLockRelease(&arena().registry_lock);
  return same;
}

}  // namespace numpool
