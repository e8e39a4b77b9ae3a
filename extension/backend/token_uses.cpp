#include "backend/token_uses.h"

#include "backend/deadlock_check.h"
#include "backend/ledger.h"
#include "backend/token_access.h"
#include "core/lease_end.h"
#include "pg/debug_point.h"
#include "shared/place_sleep.h"
#include "shared/pool_unlock.h"
#include "shared/session.h"

namespace numpool {

namespace {

dlist_head uses = DLIST_STATIC_INIT(uses);
TokenUse* spare_use = nullptr;

TimedRecord& record_of(const TokenUse* use) {
  return *region().at<TimedRecord>(use->record);
}

// Locks the pool of a record that is this transaction's. False: that is gone.
bool lock_own_pool(const TokenUse* use) {
  const TimedRecord& record = record_of(use);
  return lock_pool(record.pool, use->pool, record.generation);
}

void free_use(TokenUse* use) {
  dlist_delete(&use->node);
  if (spare_use == nullptr)
    spare_use = use;
  else
    pfree(use);
}

void discard_record(const TokenUse* use) {
  remove_token(record_of(use));
  free_timed_record(use->record);
}

// Forgets the record of a lease that comes to nothing.
void drop_record(const TokenUse* use) {
  if (record_of(use).counted && lock_own_pool(use)) {
    LivePool* live = live_pool_at(record_of(use).pool);
    live->pool.tokens.leave(record_of(use));
    unlock_pool(live);
  }
  discard_record(use);
}

void undo_pick_up(TokenUse* use) {
  use->entry->timed = false;
  if (lock_slot(use->entry) == nullptr) {
    drop_record(use);
    return;
  }
  timed_put_back(region(), live_of(use->entry->ref)->pool, record_of(use));
  unlock_ref(use->entry->ref);
}

void clear_user_of(const TokenUse* use) {
  LivePool* live;
  TimedRecord* record = lock_own_token(use->key, &live);
  if (use->kind == UseKind::kCalled) {
    end_place_sleep();
    forget_deadlock();
  }
  if (record == nullptr) return;
  // The place lasts from the end of the last call for it.
  if (use->kind == UseKind::kCalled && record->state.load() == TimedState::kPlace)
    timed_prolong_place(region(), live->pool, *record, monotonic_now());
  timed_clear_user(region(), live->pool, *record);
  unlock_pool(live);
}

// A lease that was taken and released again has left a row, since its table was locked.
void leave_row(const TokenUse* use) {
  TimedRecord& record = record_of(use);
  remove_token(record);
  keep_only_row(record);
  if (!lock_own_pool(use)) {
    free_timed_record(use->record);
    return;
  }
  LivePool* live = live_pool_at(record.pool);
  record.row_fence = use->row_fence;
  record.user = 0;
  timed_note_row(region(), live->pool, record);
  unlock_pool(live);
}

// The number goes from this session to the token.
void hold_token(TokenUse* use) {
  LedgerEntry* entry = use->entry;
  entry->timed = false;
  // A forced drop, or an end by force, may have taken it; the latter leaves the row.
  if (use->releases || lock_slot(entry) == nullptr) {
    if (use->has_row)
      leave_row(use);
    else
      drop_record(use);
    if (use->releases) entry->scope = Scope::kTransaction;  // so it ends now
    return;
  }
  TimedRecord& record = record_of(use);
  record.row_fence = use->row_fence;
  const Offset waiter = record.waiter;
  record.waiter = 0;
  timed_hold(region(), live_of(entry->ref)->pool, record, monotonic_now());
  unlock_ref(entry->ref);
  free_place_waiter(waiter);
  free_entry(entry);
}

void forget_left_row(TokenUse* use) {
  // NB: with the pool the record went.
  if (!lock_pool(use->live, use->pool, use->generation)) return;
  LivePool* live = live_pool_at(use->live);
  timed_forget_row(region(), live->pool, record_of(use));
  unlock_pool(live);
  free_timed_record(use->record);
}

void unmark_left_row(TokenUse* use) {
  if (!lock_pool(use->live, use->pool, use->generation)) return;
  record_of(use).user = 0;
  unlock_pool(live_pool_at(use->live));
}

void release_token(TokenUse* use) {
  LivePool* live;
  TimedRecord* record = lock_own_token(use->key, &live);
  if (record == nullptr) return;
  if (use->releases) {
    record->row_is_deleted = !use->has_row;
    if (use->by_force) mark_ended(live->pool, *record);
    end_token(record, live, record->ended ? EndKind::kBad : EndKind::kReleased);
    return;
  }
  timed_renew(*record, monotonic_now());
  timed_clear_user(region(), live->pool, *record);
  unlock_pool(live);
}

}  // namespace

TokenUse* find_use(const TokenKey& key) {
  dlist_iter at;
  dlist_foreach(at, &uses) {
    TokenUse* use = dlist_container(TokenUse, node, at.cur);
    if (use->kind != UseKind::kRowLeft && use->key.token == key.token &&
        use->key.relation == key.relation)
      return use;
  }
  return nullptr;
}

bool uses_tokens() {
  dlist_iter at;
  dlist_foreach(at, &uses) {
    if (dlist_container(TokenUse, node, at.cur)->kind != UseKind::kCalled) return true;
  }
  return false;
}

std::uint32_t token_releases(const PoolKey& pool) {
  std::uint32_t count = 0;
  dlist_iter at;
  dlist_foreach(at, &uses) {
    const TokenUse* use = dlist_container(TokenUse, node, at.cur);
    if (use->pool == pool && use->releases) ++count;
  }
  return count;
}

void reserve_use() {
  reserve_record();
  if (spare_use == nullptr)
    spare_use = static_cast<TokenUse*>(MemoryContextAlloc(backend_memory(), sizeof(TokenUse)));
}

TokenUse* note_use(const PoolKey& pool, const TimedRecord& record, UseKind kind,
                   LedgerEntry* entry) {
  TokenUse* use = spare_use;
  spare_use = nullptr;
  *use = {};
  use->pool = pool;
  use->key = key_of(record);
  use->kind = kind;
  use->record = region().offset_of(&record);
  use->live = record.pool;
  use->generation = record.generation;
  use->index = record.index;
  use->fence = record.fence;
  use->ttl = record.ttl;
  use->row_fence =
      kind == UseKind::kReleased || kind == UseKind::kRowLeft ? record.row_fence : record.fence;
  use->entry = entry;
  use->releases = kind == UseKind::kReleased;
  use->has_row = true;
  dlist_push_tail(&uses, &use->node);
  log_use(use);
  return use;
}

void record_use_change(TokenUse* use) {
  if (use->logged != GetCurrentSubTransactionId()) log_use_change(use);
}

void take_back_use(TokenUse* use) {
  unlog_use(use);
  undo_use(use);
}

void forget_use(TokenUse* use) {
  unlog_use(use);
  free_use(use);
}

void undo_use(TokenUse* use) {
  switch (use->kind) {
    case UseKind::kTaken:
      discard_record(use);  // its number goes with the entry
      break;
    case UseKind::kKept:
      use->entry->timed = false;
      discard_record(use);
      break;
    case UseKind::kPickedUp:
      undo_pick_up(use);
      break;
    case UseKind::kReleased:
    case UseKind::kCalled:
      clear_user_of(use);
      break;
    case UseKind::kRowLeft:
      unmark_left_row(use);
      break;
  }
  free_use(use);
}

void restore_use(const UndoRecord& record) {
  record.use->releases = record.releasing;
  record.use->has_row = record.has_row;
}

void hold_tokens() {
  if (dlist_is_empty(&uses)) return;  // as nearly always: without the loop's preparations
  dlist_mutable_iter at;
  dlist_foreach_modify(at, &uses) {
    TokenUse* use = dlist_container(TokenUse, node, at.cur);
    switch (use->kind) {
      case UseKind::kTaken:
      case UseKind::kPickedUp:
      case UseKind::kKept:
        hold_token(use);
        break;
      case UseKind::kRowLeft:
        forget_left_row(use);
        break;
      case UseKind::kCalled:
        clear_user_of(use);
        break;
      case UseKind::kReleased:
        continue;
    }
    free_use(use);
  }
}

void end_tokens() {
  if (dlist_is_empty(&uses)) return;
  dlist_mutable_iter at;
  dlist_foreach_modify(at, &uses) {
    TokenUse* use = dlist_container(TokenUse, node, at.cur);
    release_token(use);
    free_use(use);
  }
}

}  // namespace numpool
