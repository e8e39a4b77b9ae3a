#include "fence.h"

#include "arena.h"

extern "C" {
#include "commands/sequence.h"
#include "replication/syncrep.h"
#include "storage/bufmgr.h"
}

namespace numpool {

namespace {

constexpr std::int64_t kBlockSize = std::int64_t{1} << 36;  // the sequence's increment
// More than the arrivals that can be under way: each holds memory or a backend, and takes one
// number at most.
constexpr std::int64_t kArrivals = std::int64_t{1} << 32;

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

std::int64_t take_block(Oid sequence) {
  // A fence is no part of what the user's READ ONLY forbids. An error restores the setting with the
  // transaction.
  const bool read_only = XactReadOnly;
  XactReadOnly = false;
  const std::int64_t start = nextval_internal(sequence, false);
  XactReadOnly = read_only;

  const XLogRecPtr lsn = last_change_of(sequence);
  XLogFlush(lsn);
  HOLD_INTERRUPTS();
  SyncRepWaitForLSN(lsn, true);
  RESUME_INTERRUPTS();
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
