// What the views show. Rows are copied out under a pool's lock, a batch at a time, and formed
// without it.

#include "backend/definitions.h"
#include "entry/arguments.h"
#include "entry/attach.h"
#include "shared/registry.h"
#include "shared/session.h"

extern "C" {
#include "utils/varbit.h"
}

namespace numpool {

namespace {

// Slots copied under one lock.
constexpr std::uint32_t kBatch = 1024;

struct Rows {
  ReturnSetInfo* result;
};

Rows begin_rows(FunctionCallInfo fcinfo) {
  definitions_enter(fcinfo);
  // On a standby there are definitions and nothing live.
  if (!RecoveryInProgress()) attach_backend();
  InitMaterializedSRF(fcinfo, 0);
  return {reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)};
}

void put_row(Rows& rows, Datum* values, bool* nulls) {
  tuplestore_putvalues(rows.result->setResult, rows.result->setDesc, values, nulls);
}

Datum seconds_interval(std::int64_t microseconds) {
  Interval* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
  interval->time = microseconds;
  return IntervalPGetDatum(interval);
}

// The offsets of this database's live pools.
struct LivePools {
  Offset* offsets;
  std::uint64_t* generations;
  std::uint32_t count;
};

std::uint32_t count_live_pools() {
  std::uint32_t count = 0;
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset* buckets = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b)
    for (Offset at = buckets[b]; at != 0; at = live_pool_at(at)->next) ++count;
  LWLockRelease(&arena().registry_lock);
  return count;
}

LivePools list_live_pools() {
  LivePools pools = {};
  if (!arena_attached() || RecoveryInProgress()) return pools;
  const std::uint32_t room = count_live_pools() + kBatch;
  pools.offsets = static_cast<Offset*>(palloc(sizeof(Offset) * room));
  pools.generations = static_cast<std::uint64_t*>(palloc(sizeof(std::uint64_t) * room));
  LWLockAcquire(&arena().registry_lock, LW_SHARED);
  const Offset* buckets = region().at<Offset>(arena().buckets);
  for (std::uint32_t b = 0; b < arena().bucket_count; ++b)
    for (Offset at = buckets[b]; at != 0 && pools.count < room; at = live_pool_at(at)->next) {
      const LivePool* live = live_pool_at(at);
      if (live->key.database != MyDatabaseId || live->key.relation != definitions_relation())
        continue;
      pools.offsets[pools.count] = at;
      pools.generations[pools.count++] = live->generation;
    }
  LWLockRelease(&arena().registry_lock);
  return pools;
}

// Locks the i-th of them if it is still there and published.
LivePool* lock_listed(const LivePools& pools, std::uint32_t i) {
  LivePool* live = live_pool_at(pools.offsets[i]);
  LWLockAcquire(&live->lock, LW_EXCLUSIVE);
  if (live->generation == pools.generations[i] && live->state == LiveState::kLive &&
      live->maker == 0)
    return live;
  LWLockRelease(&live->lock);
  return nullptr;
}

// A pool's name, copied under its lock.
struct Name {
  char bytes[kMaxNameLength * 4];
  std::uint32_t length;
};

void copy_name(const LivePool& live, Name* name) {
  name->length = live.name_length < sizeof(name->bytes) ? live.name_length : sizeof(name->bytes);
  memcpy(name->bytes, region().at<char>(live.name), name->length);
}

Datum name_datum(const Name& name) {
  return PointerGetDatum(cstring_to_text_with_len(name.bytes, static_cast<int>(name.length)));
}

// --- numpool_pools ---

// Live numbers of one pool; all zero where it is not loaded.
struct PoolFigures {
  bool loaded;
  std::uint32_t size;
  std::uint32_t in_use;
  std::uint32_t free;
  std::uint32_t waiting;
  PoolCounters counters;
  std::uint64_t taken[kMaxPoolSize / 64];  // bit i of word i / 64: index i has a lease
};

void copy_figures(LivePool& live, PoolFigures* figures) {
  Pool& pool = live.pool;
  MemSet(figures, 0, sizeof(*figures));
  figures->loaded = true;
  figures->size = pool.size;
  figures->in_use = pool.in_use;
  figures->free = pool.free;
  figures->waiting = pool.queue.length;
  figures->counters = pool.counters;
  const FreeSet free_set = pool.free_set(region());
  for (std::uint32_t i = 0; i < pool.size; ++i)
    if (!free_set.contains(i)) figures->taken[i / 64] |= std::uint64_t{1} << (i % 64);
}

void read_figures(const Definition& definition, PoolFigures* figures) {
  MemSet(figures, 0, sizeof(*figures));
  figures->size = static_cast<std::uint32_t>(definition.size);
  figures->free = figures->size;
  if (!arena_attached() || RecoveryInProgress()) return;
  PoolKey key;
  MemSet(&key, 0, sizeof(key));
  key.database = MyDatabaseId;
  key.relation = definitions_relation();
  key.identity = definition.identity;
  std::uint64_t generation;
  const Offset offset = find_live_pool(key, &generation);
  if (!lock_pool(offset, key, generation)) return;
  LivePool* live = live_pool_at(offset);
  if (!is_stub(*live)) copy_figures(*live, figures);
  unlock_pool(live);
}

// A bit string with a bit an index, index 0 first; 1: has a lease.
Datum bitmap_datum(const PoolFigures& figures) {
  const int bits = static_cast<int>(figures.size);
  const int bytes = VARBITTOTALLEN(bits);
  VarBit* bit_string = static_cast<VarBit*>(palloc0(bytes));
  SET_VARSIZE(bit_string, bytes);
  VARBITLEN(bit_string) = bits;
  for (std::uint32_t i = 0; i < figures.size; ++i)
    if (figures.taken[i / 64] >> (i % 64) & 1)
      VARBITS(bit_string)[i / 8] |= static_cast<std::uint8_t>(0x80 >> (i % 8));
  return VarBitPGetDatum(bit_string);
}

// The columns of numpool_show_pools, in their order there.
namespace pools_column {
enum {
  kPool,
  kSize,
  kInUse,
  kFree,
  kWaiting,
  kBitmap,
  kMetadata,
  kGrants,
  kHandoffs,
  kTimeouts,
  kCancels,
  kWaitTotal,
  kWaitLongest,
  kCountingSince,
  kCount
};
}

// Whether a standby knows it: what its row says, and nothing of what happens on the primary.
bool is_of_definition(int column) {
  return column == pools_column::kPool || column == pools_column::kSize ||
         column == pools_column::kMetadata;
}

void fill_counters(const PoolCounters& counters, Datum* values) {
  using namespace pools_column;
  values[kGrants] = Int64GetDatum(static_cast<std::int64_t>(counters.grants));
  values[kHandoffs] = Int64GetDatum(static_cast<std::int64_t>(counters.handoffs));
  values[kTimeouts] = Int64GetDatum(static_cast<std::int64_t>(counters.timeouts));
  values[kCancels] = Int64GetDatum(static_cast<std::int64_t>(counters.cancels));
  values[kWaitTotal] = seconds_interval(counters.wait_total);
  values[kWaitLongest] = seconds_interval(counters.wait_longest);
  values[kCountingSince] = TimestampTzGetDatum(counters.counting_since);
}

// `metadata` is 0 for none.
void put_pool(Rows& rows, Datum name, const PoolFigures& figures, Datum metadata) {
  using namespace pools_column;
  Datum values[kCount];
  bool nulls[kCount] = {};
  values[kPool] = name;
  values[kSize] = Int32GetDatum(static_cast<std::int32_t>(figures.size));
  values[kInUse] = Int32GetDatum(static_cast<std::int32_t>(figures.in_use));
  values[kFree] = Int32GetDatum(static_cast<std::int32_t>(figures.free));
  values[kWaiting] = Int32GetDatum(static_cast<std::int32_t>(figures.waiting));
  values[kBitmap] = bitmap_datum(figures);
  values[kMetadata] = metadata;
  nulls[kMetadata] = metadata == 0;
  fill_counters(figures.counters, values);
  nulls[kCountingSince] = !figures.loaded;
  if (RecoveryInProgress())
    for (int column = 0; column < kCount; ++column)
      nulls[column] = nulls[column] || !is_of_definition(column);
  put_row(rows, values, nulls);
}

void put_definition(HeapTuple row, TupleDesc descriptor, void* state) {
  Definition definition;
  fill_definition(row, descriptor, &definition);
  // NB: static, as it is 8 kB; nothing that is called from here comes back to it.
  static PoolFigures figures;
  read_figures(definition, &figures);
  put_pool(*static_cast<Rows*>(state), CStringGetTextDatum(definition.name), figures,
           copy_metadata(row, descriptor));
}

// Without the table.
void put_live_pools(Rows& rows) {
  const LivePools pools = list_live_pools();
  static PoolFigures figures;
  for (std::uint32_t i = 0; i < pools.count; ++i) {
    LivePool* live = lock_listed(pools, i);
    if (live == nullptr) continue;
    Name name;
    copy_name(*live, &name);
    const bool stub = is_stub(*live);
    if (!stub) copy_figures(*live, &figures);
    unlock_pool(live);
    if (!stub) put_pool(rows, name_datum(name), figures, Datum{0});
    CHECK_FOR_INTERRUPTS();
  }
  ereport(WARNING, (errmsg("pools that nobody has used, and metadata, are not shown"),
                    errdetail("Another session has locked their definitions.")));
}

// --- numpool_leases ---

struct LeaseRow {
  std::uint32_t index;
  Slot slot;
};

const char* state_name(LeaseState state) {
  switch (state) {
    case LeaseState::kHeld:
      return "held";
    case LeaseState::kGranted:
      return "granted";
    case LeaseState::kReleasing:
      return "releasing";
  }
  return nullptr;
}

// The columns of numpool_show_leases, in their order there.
namespace leases_column {
enum { kPool, kIndex, kFence, kPid, kScope, kState, kAcquiredAt, kTicket, kCount };
}

void put_lease(Rows& rows, const Name& name, const LeaseRow& lease) {
  using namespace leases_column;
  const Session* session = find_session(lease.slot.holder);
  Datum values[kCount];
  bool nulls[kCount] = {};
  values[kPool] = name_datum(name);
  values[kIndex] = Int32GetDatum(static_cast<std::int32_t>(lease.index));
  values[kFence] = Int64GetDatum(lease.slot.fence);
  values[kPid] = session == nullptr ? Datum{0} : Int32GetDatum(session->pid);
  nulls[kPid] = session == nullptr;
  values[kScope] =
      CStringGetTextDatum(lease.slot.scope == Scope::kSession ? "session" : "transaction");
  values[kState] = CStringGetTextDatum(state_name(lease.slot.state));
  values[kAcquiredAt] = TimestampTzGetDatum(lease.slot.acquired_at);
  values[kTicket] = Int64GetDatum(lease.slot.ticket());
  nulls[kTicket] = lease.slot.ticket() == 0;
  put_row(rows, values, nulls);
}

void put_leases(Rows& rows, const LivePools& pools, std::uint32_t i, LeaseRow* batch) {
  Name name;
  for (std::uint32_t from = 0, capacity = 1; from < capacity; from += kBatch) {
    LivePool* live = lock_listed(pools, i);
    if (live == nullptr) return;
    copy_name(*live, &name);
    capacity = chunk::capacity(live->pool.chunk_count);
    std::uint32_t count = 0;
    for (std::uint32_t index = from; index < capacity && index < from + kBatch; ++index) {
      const Slot& slot = live->pool.slot(region(), index);
      if (slot.holder != 0) batch[count++] = {index, slot};
    }
    unlock_pool(live);
    for (std::uint32_t k = 0; k < count; ++k) put_lease(rows, name, batch[k]);
    CHECK_FOR_INTERRUPTS();
  }
}

// --- numpool_waiters ---

struct WaiterRow {
  SessionId session;
  std::int64_t ticket;
  std::int64_t since;
  WaiterKind kind;
};

// The columns of numpool_show_waiters, in their order there.
namespace waiters_column {
enum { kPool, kPosition, kTicket, kPid, kKind, kSince, kCount };
}

void put_waiter(Rows& rows, const Name& name, std::uint32_t position, const WaiterRow& waiter) {
  using namespace waiters_column;
  const Session* session = find_session(waiter.session);
  Datum values[kCount];
  bool nulls[kCount] = {};
  values[kPool] = name_datum(name);
  values[kPosition] = Int32GetDatum(static_cast<std::int32_t>(position));
  values[kTicket] = Int64GetDatum(waiter.ticket);
  nulls[kTicket] = waiter.ticket == 0;
  values[kPid] = session == nullptr ? Datum{0} : Int32GetDatum(session->pid);
  nulls[kPid] = session == nullptr;
  values[kKind] = CStringGetTextDatum(waiter.kind == WaiterKind::kBlocking ? "blocking" : "ticket");
  values[kSince] = TimestampTzGetDatum(waiter.since);
  put_row(rows, values, nulls);
}

// Copies the queue of a pool, which is locked; how many there are.
std::uint32_t copy_queue(const Pool& pool, WaiterRow* copy, std::uint32_t room) {
  std::uint32_t count = 0;
  for (Offset at = pool.queue.head; at != 0 && count < room; at = region().at<Waiter>(at)->next) {
    const Waiter& waiter = *region().at<Waiter>(at);
    copy[count++] = {waiter.session, waiter.ticket, waiter.since, waiter.kind};
  }
  return count;
}

// NB: one queue is copied under one lock, since nothing marks a place in it: some milliseconds for
// 100,000.
void put_waiters(Rows& rows, const LivePools& pools, std::uint32_t i) {
  Name name;
  std::uint32_t room = 0;
  WaiterRow* copy = nullptr;
  for (;;) {
    LivePool* live = lock_listed(pools, i);
    if (live == nullptr) return;
    const std::uint32_t length = live->pool.queue.length;
    if (length <= room) {
      copy_name(*live, &name);
      const std::uint32_t count = copy_queue(live->pool, copy, room);
      unlock_pool(live);
      for (std::uint32_t k = 0; k < count; ++k) put_waiter(rows, name, k + 1, copy[k]);
      if (copy != nullptr) pfree(copy);
      return;
    }
    unlock_pool(live);
    if (copy != nullptr) pfree(copy);
    room = length + length / 4 + 16;
    copy = static_cast<WaiterRow*>(palloc_extended(sizeof(WaiterRow) * room, MCXT_ALLOC_HUGE));
  }
}

}  // namespace

}  // namespace numpool

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_show_pools);
PGDLLEXPORT Datum numpool_show_pools(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  // Whoever looks when something is stuck is not to be stuck, too.
  if (!scan_definitions(kNoWait, put_definition, &rows)) put_live_pools(rows);
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_show_leases);
PGDLLEXPORT Datum numpool_show_leases(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  const LivePools pools = list_live_pools();
  LeaseRow* batch = static_cast<LeaseRow*>(palloc(sizeof(LeaseRow) * kBatch));
  for (std::uint32_t i = 0; i < pools.count; ++i) put_leases(rows, pools, i, batch);
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_show_waiters);
PGDLLEXPORT Datum numpool_show_waiters(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  const LivePools pools = list_live_pools();
  for (std::uint32_t i = 0; i < pools.count; ++i) put_waiters(rows, pools, i);
  return Datum{0};
}

}  // extern "C"
