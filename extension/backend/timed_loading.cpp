#include "backend/timed_loading.h"

#include "backend/clerk_start.h"
#include "backend/definitions.h"
#include "backend/fence_draw.h"
#include "backend/pool_cache.h"
#include "backend/timed_rows.h"
#include "backend/token_access.h"
#include "core/timed_lease.h"
#include "pg/debug_point.h"
#include "pg/errors.h"
#include "pg/palloc_list.h"
#include "shared/former_pools.h"
#include "shared/registration.h"
#include "shared/timed_memory.h"

extern "C" {
#include "utils/resowner.h"
}

namespace numpool {

namespace {

LOCKTAG loading_lock;

struct LoadedRow {
  TimedRow row;
  bool counts;  // the lease lives; else it was over, and has left its row
  Offset record;
  std::int64_t fence;
};

int compare(std::uint64_t a, std::uint64_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Of one token, the greatest fence first.
int by_token(const void* left, const void* right) {
  const TimedRow& a = static_cast<const LoadedRow*>(left)->row;
  const TimedRow& b = static_cast<const LoadedRow*>(right)->row;
  if (const int order = compare(a.token.high, b.token.high)) return order;
  if (const int order = compare(a.token.low, b.token.low)) return order;
  return -compare(static_cast<std::uint64_t>(a.fence), static_cast<std::uint64_t>(b.fence));
}

// By pool, and of one number the greatest fence first.
int by_number(const void* left, const void* right) {
  const TimedRow& a = static_cast<const LoadedRow*>(left)->row;
  const TimedRow& b = static_cast<const LoadedRow*>(right)->row;
  if (const int order =
          compare(static_cast<std::uint64_t>(a.identity), static_cast<std::uint64_t>(b.identity)))
    return order;
  if (const int order = compare(a.index, b.index)) return order;
  return -compare(static_cast<std::uint64_t>(a.fence), static_cast<std::uint64_t>(b.fence));
}

PallocList<LoadedRow> read_rows() {
  PallocList<LoadedRow> rows = {};
  scan_timed_rows(
      [](const TimedRow& row, void* state) {
        LoadedRow loaded = {row, true, 0, 0};
        if (row.holder_length != 0) {
          char* holder = static_cast<char*>(palloc(row.holder_length));
          memcpy(holder, row.holder, row.holder_length);
          loaded.row.holder = holder;
        }
        static_cast<PallocList<LoadedRow>*>(state)->add(loaded);
      },
      &rows);
  return rows;
}

// A lease that ended by time has left its row. So of several rows of a token, or of a number, only
// the newest tells of a lease that may be there still.
void find_what_counts(const PallocList<LoadedRow>& rows) {
  if (rows.count == 0) return;
  qsort(rows.items, rows.count, sizeof(LoadedRow), by_token);
  for (std::uint32_t i = 1; i < rows.count; ++i)
    if (rows[i].row.token == rows[i - 1].row.token) rows[i].counts = false;
  qsort(rows.items, rows.count, sizeof(LoadedRow), by_number);
  for (std::uint32_t i = 1; i < rows.count; ++i)
    if (rows[i].row.identity == rows[i - 1].row.identity &&
        rows[i].row.index == rows[i - 1].row.index)
      rows[i].counts = false;
}

// Rows of one pool.
struct PoolRows {
  LoadedRow* rows;
  std::uint32_t count;

  LoadedRow* begin() const { return rows; }
  LoadedRow* end() const { return rows + count; }
};

std::uint32_t capacity_for(const PoolRows& pool) {
  return pool.rows[pool.count - 1].row.index + 1;
}

enum class Fences { kDrawn, kPoolGone, kTimeout };

// A new fence for each lease, as many at a time as an arrival may take (F2).
Fences draw_fences(const PoolRef* ref, const PoolRows& pool, TimestampTz deadline) {
  LoadedRow* next = pool.begin();
  while (next != pool.end()) {
    if (!lock_pool(ref->live, ref->key, ref->generation)) return Fences::kPoolGone;
    const Offset fences = live_of(ref)->fences;
    if (fence_covers_arrival(fences, definitions_fence_sequence())) {
      for (std::int64_t i = 0; i < fence::kPerArrival && next != pool.end(); ++next, ++i)
        if (next->counts) next->fence = take_fence(*live_of(ref));
      unlock_ref(ref);
      continue;
    }
    unlock_ref(ref);
    const FenceEnd end = await_fences(fences, definitions_fence_sequence(), 0, deadline);
    if (end == FenceEnd::kTimeout) return Fences::kTimeout;
    if (end == FenceEnd::kGone) return Fences::kPoolGone;
  }
  return Fences::kDrawn;
}

void free_records(const PoolRows& pool) {
  for (LoadedRow& loaded : pool) {
    if (loaded.record == 0) continue;
    remove_token(*region().at<TimedRecord>(loaded.record));
    free_timed_record(loaded.record);
    loaded.record = 0;
  }
}

// Records for all rows, with those of leases in the table of tokens, where nobody may use them yet.
// False: no memory.
bool make_records(const PoolRef* ref, const PoolRows& pool) {
  for (LoadedRow& loaded : pool) {
    const TimedRow& row = loaded.row;
    loaded.record = try_make_timed_record(token_key(row.token), row.holder,
                                          loaded.counts ? row.holder_length : 0, false);
    if (loaded.record == 0) return false;
    TimedRecord& record = *region().at<TimedRecord>(loaded.record);
    record.pool = ref->live;
    record.generation = ref->generation;
    record.index = row.index;
    record.row_fence = row.fence;
    record.ttl = row.ttl;
    record.role = row.role;
    if (loaded.counts)
      insert_token(record);
    else
      keep_only_row(record);
  }
  return true;
}

// The pool, which is locked, becomes live with all of its leases at once.
void install(LivePool& live, const PoolRows& pool) {
  const GrantContext context = grant_context(live, GetCurrentTimestamp());
  for (LoadedRow& loaded : pool) {
    TimedRecord& record = *region().at<TimedRecord>(loaded.record);
    if (loaded.counts)
      timed_restore(region(), live.pool, record, context, loaded.fence);
    else
      timed_note_row(region(), live.pool, record);
  }
  live.state = LiveState::kLive;
  live.maker = 0;
}

// False: not until the deadline.
bool load_pool(const PoolRows& pool, TimestampTz deadline) {
  const std::int64_t identity = pool.rows[0].row.identity;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Definition definition;
    const Lookup lookup = read_definition(identity, deadline, &definition);
    // Rows of a definition that is gone tell of nothing; an INSERT of the identity deletes them.
    if (lookup != Lookup::kFound) return lookup == Lookup::kAbsent;
    PoolRef* ref = pool_ref(definition);
    ref->live = register_live_pool(ref->key, definition, 0, &ref->generation, capacity_for(pool));
    Definition again;
    const Lookup second = read_definition(identity, deadline, &again);
    if (second == Lookup::kLocked) return false;
    if (second == Lookup::kFound && again.settings.wants_clerk()) require_clerk_later();
    const Fences fences = draw_fences(ref, pool, deadline);
    if (fences == Fences::kTimeout) return false;
    if (fences == Fences::kPoolGone) continue;
    debug_point(DebugPoint::kTokensDue);
    // Nothing fails from here on, but with all records freed.
    if (!make_records(ref, pool)) {
      free_records(pool);
      arena_report_full();
    }
    if (lock_pool(ref->live, ref->key, ref->generation)) {
      LivePool* live = live_of(ref);
      // Whoever began to load it, and did not come to the end here, has installed all or nothing.
      const bool is_live = live->state == LiveState::kLive;
      const bool fits = chunk::capacity(live->pool.chunk_count) >= capacity_for(pool) &&
                        second == Lookup::kFound && matches_definition(*live, again);
      if (!is_live && fits) install(*live, pool);
      unlock_pool(live);
      if (!is_live && fits) return true;
      free_records(pool);
      if (is_live) return true;
      drop_loading_pool(ref->live, ref->key, ref->generation);
      continue;
    }
    free_records(pool);
  }
}

bool load_all(TimestampTz deadline) {
  if (!lock_relation_until(definitions_timed_relation(), AccessShareLock, deadline)) return false;
  const PallocList<LoadedRow> rows = read_rows();
  UnlockRelationOid(definitions_timed_relation(), AccessShareLock);
  find_what_counts(rows);
  for (std::uint32_t begin = 0, end; begin < rows.count; begin = end) {
    end = begin + 1;
    while (end < rows.count && rows[end].row.identity == rows[begin].row.identity) ++end;
    if (!load_pool({rows.items + begin, end - begin}, deadline)) return false;
  }
  return true;
}

}  // namespace

// NB: locks are of a resource owner, and one that was waited for in a subtransaction is the
// transaction's afterwards. So it is that from the start: what asks for it, a portal, could not let
// it go.
bool lock_loading(TimestampTz deadline) {
  // Kept, since the extension may be another one when it is let go.
  loading_lock = identity_tag(0, IdentityLock::kRows);
  const ResourceOwner asker = CurrentResourceOwner;
  CurrentResourceOwner = CurTransactionResourceOwner;
  // NB: whoever has waited for it keeps it. To let it go and to try again would never end where
  // several wait, since a lock that somebody waits for is not free at once.
  const bool is_locked =
      LockAcquire(&loading_lock, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL ||
      wait_for_locks(
          deadline,
          [](void* argument) {
            LockAcquire(static_cast<const LOCKTAG*>(argument), ExclusiveLock, false, false);
          },
          &loading_lock);
  CurrentResourceOwner = asker;
  return is_locked;
}

void unlock_loading() {
  const ResourceOwner asker = CurrentResourceOwner;
  CurrentResourceOwner = CurTransactionResourceOwner;
  LockRelease(&loading_lock, ExclusiveLock, false);
  CurrentResourceOwner = asker;
}

bool load_timed_leases(TimestampTz deadline) {
  const Oid table = definitions_relation();
  if (timed_leases_are_live(MyDatabaseId, table)) return true;
  if (!lock_loading(deadline)) return false;
  MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "numpool rows", ALLOCSET_DEFAULT_SIZES);
  MemoryContext old = MemoryContextSwitchTo(memory);
  const bool done = timed_leases_are_live(MyDatabaseId, table) || load_all(deadline);
  MemoryContextSwitchTo(old);
  MemoryContextDelete(memory);
  if (done) note_timed_leases_live(MyDatabaseId, table);
  unlock_loading();
  return done;
}

}  // namespace numpool
