#include "backend/lease_ends.h"

#include "backend/lease.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/token_calls.h"
#include "backend/token_uses.h"
#include "pg/debug_point.h"
#include "shared/lease_end.h"
#include "shared/session.h"

namespace numpool {

namespace {

struct NotedEnd {
  NotedEnd* older;
  PoolKey key;
  Offset live;
  std::uint64_t generation;
  std::uint32_t index;
  std::int64_t fence;
};

// The newest first: the undo log undoes them in that order.
NotedEnd* noted_ends = nullptr;

void end_noted(const NotedEnd& noted) {
  // A pool that is not that one any more took its leases with it.
  if (!lock_pool(noted.live, noted.key, noted.generation)) return;
  LivePool* live = live_pool_at(noted.live);
  WakeList wake;
  end_lease(*live, noted.index, noted.fence, LastEnd::kEnded, wake);
  unlock_pool(live);
  wake_all(wake);
}

// The slot of the lease, in the pool, which is locked; nullptr: there is none.
Slot* find_slot(Pool& pool, std::int64_t index, const std::int64_t* fence) {
  if (index < 0 || index >= chunk::capacity(pool.chunk_count)) return nullptr;
  Slot& slot = pool.slot(region(), static_cast<std::uint32_t>(index));
  if (slot.holder == 0 || (fence != nullptr && slot.fence != *fence)) return nullptr;
  return &slot;
}

void note_end(const PoolRef* ref, std::uint32_t index, std::int64_t fence, NotedEnd* noted) {
  *noted = {noted_ends, ref->key, ref->live, ref->generation, index, fence};
  noted_ends = noted;
  log_lease_end();
}

}  // namespace

bool end_lease_at_commit(text* name, std::int64_t index, const std::int64_t* fence) {
  PoolRef* ref = operates_all() ? find_pool_of_lease(name) : nullptr;
  if (ref == nullptr) {
    ref = require_pool(name, DT_NOEND);
    require_operator(ref->name, ref->roles.owner);
  }
  // Reserve first (R1).
  reserve_use();
  NotedEnd* noted =
      static_cast<NotedEnd*>(MemoryContextAlloc(TopTransactionContext, sizeof(NotedEnd)));
  std::int64_t size = ref->defined_size;
  if (lock_ref(ref)) {
    LivePool* live = live_of(ref);
    if (!is_stub(*live)) size = live->defined_size;
    const Slot* slot = find_slot(live->pool, index, fence);
    if (slot != nullptr && slot->holder == kTokenHolder) {
      TimedRecord* record = region().at<TimedRecord>(slot->owner_tag);
      // An offer has no row, and whoever uses the token now may yet take its lease back.
      if (record->user == 0 && record->state.load() == TimedState::kHeld)
        return release_locked_token(record, live, true);
    }
    if (slot != nullptr) note_end(ref, static_cast<std::uint32_t>(index), slot->fence, noted);
    unlock_ref(ref);
    if (slot != nullptr) return true;
  }
  if (index < 0 || index >= size) report_out_of_range(name, index);
  return false;
}

void require_no_lease_ends(const PoolRef* ref) {
  for (const NotedEnd* noted = noted_ends; noted != nullptr; noted = noted->older)
    if (noted->key == ref->key) report_uncommitted_change(ref);
}

void undo_lease_end() {
  noted_ends = noted_ends->older;
}

void finish_lease_ends(bool commit) {
  for (; noted_ends != nullptr; noted_ends = noted_ends->older) {
    if (!commit) continue;
    debug_point(DebugPoint::kEndingOne);
    end_noted(*noted_ends);
  }
}

}  // namespace numpool
