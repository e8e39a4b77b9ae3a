#include "fence.h"

#include "arena.h"
#include "compat.h"

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
    static LocalTransactionId last_transaction = InvalidLocalTransactionId;
    first_ = last_transaction != my_local_transaction();
    last_transaction = my_local_transaction();
    LockRelationOid(sequence_, RowExclusiveLock);
  }
  void unlock() const {
    if (first_) {
      ResourceOwner owner = CurrentResourceOwner;
      CurrentResourceOwner = TopTransactionResourceOwner;
      UnlockRelationOid(sequence_, RowExclusiveLock);
      CurrentResourceOwner = owner;
    }
    UnlockRelationOid(sequence_, RowExclusiveLock);
  }

 private:
  Oid sequence_;
  bool first_;  // in this transaction: nextval takes a lock of its own
};

std::int64_t take_block(Oid sequence) {
  const SequenceLock lock(sequence);
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

bool covers_arrival(const FenceBlock& block) {
  const std::int64_t limit = block.limit.load(std::memory_order_acquire);
  return limit - block.next.load(std::memory_order_relaxed) > kArrivals;
}

}  // namespace

Offset fence_block(Oid sequence) {
  ArenaControl& control = arena();
  Offset spare = 0;
  for (;;) {
    LWLockAcquire(&control.registry_lock, LW_EXCLUSIVE);
    Offset at = control.fences;
    while (at != 0) {
      const FenceBlock* block = region().at<FenceBlock>(at);
      if (block->database == MyDatabaseId && block->sequence == sequence) break;
      at = block->following;
    }
    if (at == 0 && spare != 0) {
      FenceBlock* block = new (region().at<FenceBlock>(spare)) FenceBlock{};
      block->database = MyDatabaseId;
      block->sequence = sequence;
      block->following = control.fences;
      at = control.fences = spare;
      spare = 0;
    }
    LWLockRelease(&control.registry_lock);
    if (at != 0) {
      arena_free(spare);
      return at;
    }
    spare = arena_allocate(sizeof(FenceBlock));
  }
}

void fence_cover_arrival(Offset offset) {
  FenceBlock& block = *region().at<FenceBlock>(offset);
  while (!covers_arrival(block)) {
    const std::int64_t start = take_block(block.sequence);
    // Two may have taken one each: the lower is of no use once the higher is installed.
    LWLockAcquire(&arena().registry_lock, LW_EXCLUSIVE);
    if (start > block.next.load(std::memory_order_relaxed)) {
      block.next.store(start, std::memory_order_relaxed);
      block.limit.store(start + kBlockSize, std::memory_order_release);
    }
    LWLockRelease(&arena().registry_lock);
  }
}

}  // namespace numpool
