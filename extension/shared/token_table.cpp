#include "shared/token_table.h"

#include "core/timed_lease.h"

extern "C" {
#include "common/hashfn.h"
}

namespace numpool {

namespace {

TimedRecord* record_at(Offset at) {
  return region().at<TimedRecord>(at);
}

Offset* chain_of(const TokenKey& key) {
  std::uint64_t hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(&key.token),
                                           sizeof(key.token), arena().token_seed);
  return &region().at<Offset>(arena().token_buckets)[hash & (arena().token_bucket_count - 1)];
}

bool has_key(const TimedRecord& record, const TokenKey& key) {
  return record.token == key.token && record.database == key.database &&
         record.relation == key.relation;
}

bool is_over(const TimedRecord& record) {
  return record.state.load(std::memory_order_acquire) == TimedState::kOver;
}

// Takes the lock of the record's pool. False: that is gone. The table is locked.
bool lock_pool_of(const TimedRecord& record) {
  LivePool* live = live_pool_at(record.pool);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  if (live->generation == record.generation &&
      (live->state == LiveState::kLive || live->state == LiveState::kLoading))
    return true;
  LWLockRelease(&live->lock);
  return false;
}

// Whether the token is the record's no more. The table is locked.
bool is_gone(const TimedRecord& record) {
  if (is_over(record)) return true;
  if (!lock_pool_of(record)) return true;
  // It may have become so before the lock was there.
  const bool over = is_over(record);
  LWLockRelease(&live_pool_at(record.pool)->lock);
  return over;
}

// The table is locked, exclusively.
void unlink(TimedRecord& record) {
  if (!record.in_table) return;
  Offset* link = chain_of(key_of(record));
  while (*link != region().offset_of(&record)) link = &record_at(*link)->table_next;
  *link = record.table_next;
  record.in_table = false;
}

void free_timed(Offset object, std::size_t size) {
  if (object == 0) return;
  arena_free(object);
  arena().timed_bytes.fetch_sub(static_cast<std::int64_t>(SlabHeap::object_size_for(size)));
}

}  // namespace

void free_place_waiter(Offset waiter) {
  if (waiter == 0) return;
  free_timed(waiter, sizeof(Waiter));
  arena().place_records.fetch_sub(1);
}

void free_timed_record(Offset at) {
  const TimedRecord& record = *record_at(at);
  free_place_waiter(record.waiter);
  free_timed(record.holder, record.holder_length);
  if (record.only_row)
    arena_free(at);
  else
    free_timed(at, sizeof(TimedRecord));
}

void keep_only_row(TimedRecord& record) {
  if (record.only_row) return;
  free_place_waiter(record.waiter);
  free_timed(record.holder, record.holder_length);
  record.waiter = 0;
  record.holder = 0;
  record.holder_length = 0;
  record.only_row = true;
  arena().timed_bytes.fetch_sub(
      static_cast<std::int64_t>(SlabHeap::object_size_for(sizeof(TimedRecord))));
}

TimedRecord* lock_token(const TokenKey& key, LivePool** live) {
  TimedRecord* found = nullptr;
  LWLockAcquire(&arena().token_lock, LW_SHARED);
  for (Offset at = *chain_of(key); at != 0; at = record_at(at)->table_next) {
    TimedRecord* record = record_at(at);
    if (!has_key(*record, key) || is_over(*record)) continue;
    if (!lock_pool_of(*record)) break;
    *live = live_pool_at(record->pool);
    if (is_over(*record))
      LWLockRelease(&(*live)->lock);
    else
      found = record;
    break;
  }
  LWLockRelease(&arena().token_lock);
  return found;
}

bool insert_token(TimedRecord& record) {
  LWLockAcquire(&arena().token_lock, LW_EXCLUSIVE);
  Offset* chain = chain_of(key_of(record));
  TimedRecord* gone = nullptr;
  bool free = true;
  for (Offset at = *chain; at != 0 && free; at = record_at(at)->table_next) {
    TimedRecord* other = record_at(at);
    if (!has_key(*other, key_of(record))) continue;
    free = is_gone(*other);
    if (free) gone = other;
  }
  if (free) {
    // Whoever ended it frees it.
    if (gone != nullptr) unlink(*gone);
    record.table_next = *chain;
    *chain = region().offset_of(&record);
    record.in_table = true;
  }
  LWLockRelease(&arena().token_lock);
  return free;
}

void remove_token(TimedRecord& record) {
  LWLockAcquire(&arena().token_lock, LW_EXCLUSIVE);
  unlink(record);
  LWLockRelease(&arena().token_lock);
}

void finish_over(Offset records) {
  if (records == 0) return;
  Offset freed = 0;
  LWLockAcquire(&arena().token_lock, LW_EXCLUSIVE);
  while (records != 0) {
    const Offset at = records;
    TimedRecord& record = *record_at(at);
    records = record.over_next;
    unlink(record);
    if (record.row_fence != 0) {
      keep_only_row(record);
      // NB: it belongs to whoever deletes the row from here on.
      record.in_over_list.store(false, std::memory_order_release);
      continue;
    }
    record.over_next = freed;
    freed = at;
  }
  LWLockRelease(&arena().token_lock);
  while (freed != 0) {
    const Offset at = freed;
    freed = record_at(at)->over_next;
    free_timed_record(at);
  }
}

void end_tokens_of(LivePool& live) {
  std::uint32_t from = 0;
  bool more = true;
  while (more) {
    // Both locks: a record of a row that is left may be on somebody's list of those that are over.
    LWLockAcquire(&arena().token_lock, LW_EXCLUSIVE);
    LWLockAcquire(&live.lock, LW_EXCLUSIVE);
    more = timed_end_all(region(), live.pool, &from);
    const Offset over = live.pool.tokens.over;
    live.pool.tokens.over = 0;
    LWLockRelease(&live.lock);
    LWLockRelease(&arena().token_lock);
    finish_over(over);
  }
}

}  // namespace numpool
