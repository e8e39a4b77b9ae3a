// Counters of pools, cheap enough to be asked for all the time: without bitmaps and metadata.

#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "entry/arguments.h"
#include "entry/pool_figures.h"
#include "entry/view_rows.h"
#include "pg/datums.h"

extern "C" {
#include "catalog/pg_type_d.h"
#include "utils/array.h"
}

namespace numpool {

namespace {

// What one pool has counted; all zero where it is not loaded.
struct CountedPool {
  PoolMoment moment;
  TimestampTz waiting_since;  // of the head of the queue
  PoolCounters counters;
  bool has_histogram;
  WaitHistogram histogram;
};

void copy_counted(LivePool& live, CountedPool* counted) {
  const Pool& pool = live.pool;
  *counted = {};
  counted->moment = moment_of(live);
  if (pool.queue.length != 0) counted->waiting_since = region().at<Waiter>(pool.queue.head)->since;
  counted->counters = pool.counters;
  counted->has_histogram = pool.wait_histogram != 0;
  if (counted->has_histogram) counted->histogram = *region().at<WaitHistogram>(pool.wait_histogram);
}

void count_defined(const Definition& definition, CountedPool* counted) {
  *counted = {};
  counted->moment = moment_of(definition);
  LivePool* live = lock_defined(definition);
  if (live == nullptr) return;
  copy_counted(*live, counted);
  unlock_pool(live);
}

Datum counts_datum(const WaitHistogram& histogram) {
  Datum counts[WaitHistogram::kBuckets];
  for (std::uint32_t i = 0; i < WaitHistogram::kBuckets; ++i)
    counts[i] = Int64GetDatum(static_cast<std::int64_t>(histogram.counts[i]));
  return PointerGetDatum(construct_array(counts, WaitHistogram::kBuckets, INT8OID,
                                         sizeof(std::int64_t), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// The columns of numpool_show_counters, in their order there.
namespace counters_column {
enum {
  kPool,
  kSize,
  kInUse,
  kFree,
  kWaiting,
  kTimed,
  kOutOfService,
  kDrained,
  kResting,
  kWaitingSince,
  kGrants,
  kHandoffs,
  kTimeouts,
  kCancels,
  kExpired,
  kEnded,
  kDeaths,
  kDeadlocks,
  kWaitTotal,
  kWaitLongest,
  kWaitCounts,
  kWaitSum,
  kCountingSince,
  kCount
};
}

// Whether a standby knows it: what its row says, and nothing of what happens on the primary.
bool is_of_definition(int column) {
  using namespace counters_column;
  return column == kPool || column == kSize || column == kDrained;
}

void fill_moment(const PoolMoment& moment, Datum* values) {
  using namespace counters_column;
  values[kSize] = Int32GetDatum(static_cast<std::int32_t>(moment.size));
  values[kInUse] = Int32GetDatum(static_cast<std::int32_t>(moment.in_use));
  values[kFree] = Int32GetDatum(static_cast<std::int32_t>(moment.free));
  values[kWaiting] = Int32GetDatum(static_cast<std::int32_t>(moment.waiting));
  values[kTimed] = Int32GetDatum(static_cast<std::int32_t>(moment.timed));
  values[kOutOfService] = Int32GetDatum(static_cast<std::int32_t>(moment.out_of_service));
  values[kDrained] = BoolGetDatum(moment.drained);
  values[kResting] = Int32GetDatum(static_cast<std::int32_t>(moment.resting));
}

void fill_counted(const CountedPool& counted, Datum* values) {
  using namespace counters_column;
  const PoolCounters& counters = counted.counters;
  values[kGrants] = Int64GetDatum(static_cast<std::int64_t>(counters.grants));
  values[kHandoffs] = Int64GetDatum(static_cast<std::int64_t>(counters.handoffs));
  values[kTimeouts] = Int64GetDatum(static_cast<std::int64_t>(counters.timeouts));
  values[kCancels] = Int64GetDatum(static_cast<std::int64_t>(counters.cancels));
  values[kExpired] = Int64GetDatum(static_cast<std::int64_t>(counters.expired));
  values[kEnded] = Int64GetDatum(static_cast<std::int64_t>(counters.ended));
  values[kDeaths] = Int64GetDatum(static_cast<std::int64_t>(counters.deaths));
  values[kDeadlocks] = Int64GetDatum(static_cast<std::int64_t>(counters.deadlocks));
  values[kWaitTotal] = interval_datum(counters.wait_total);
  values[kWaitLongest] = interval_datum(counters.wait_longest);
  values[kWaitSum] = interval_datum(counted.histogram.total);
  values[kCountingSince] = TimestampTzGetDatum(counters.counting_since);
  if (counted.has_histogram) values[kWaitCounts] = counts_datum(counted.histogram);
}

void put_counted(Rows& rows, Datum name, const CountedPool& counted) {
  using namespace counters_column;
  Datum values[kCount] = {};
  bool nulls[kCount] = {};
  values[kPool] = name;
  fill_moment(counted.moment, values);
  values[kWaitingSince] = TimestampTzGetDatum(counted.waiting_since);
  fill_counted(counted, values);
  nulls[kWaitingSince] = counted.moment.waiting == 0;
  nulls[kWaitCounts] = nulls[kWaitSum] = !counted.has_histogram;
  nulls[kCountingSince] = !counted.moment.loaded;
  if (RecoveryInProgress())
    for (int column = 0; column < kCount; ++column)
      nulls[column] = nulls[column] || !is_of_definition(column);
  put_row(rows, values, nulls);
}

void put_definition(HeapTuple row, TupleDesc descriptor, void* state) {
  Definition definition;
  fill_definition(row, descriptor, &definition);
  CountedPool counted;
  count_defined(definition, &counted);
  put_counted(*static_cast<Rows*>(state), CStringGetTextDatum(definition.name), counted);
}

// Without the table.
void put_live_pools(Rows& rows) {
  const LivePools pools = list_live_pools();
  for (std::uint32_t i = 0; i < pools.count; ++i) {
    LivePool* live = lock_listed(pools, i);
    if (live == nullptr) continue;
    Name name;
    CountedPool counted;
    copy_name(*live, &name);
    const bool stub = is_stub(*live);
    if (!stub) copy_counted(*live, &counted);
    unlock_pool(live);
    if (!stub) put_counted(rows, name_datum(name), counted);
    CHECK_FOR_INTERRUPTS();
  }
  ereport(WARNING, (errmsg("pools that nobody has used are not shown"),
                    errdetail("Another session has locked their definitions.")));
}

}  // namespace

}  // namespace numpool

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_show_counters);
PGDLLEXPORT Datum numpool_show_counters(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  // As for numpool_show_pools: whoever looks when something is stuck is not to be stuck, too.
  if (!scan_definitions(kNoWait, put_definition, &rows)) put_live_pools(rows);
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_reset_counters);
PGDLLEXPORT Datum numpool_reset_counters(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  PoolRef* ref = require_pool(name, DT_NOEND);
  require_operator(ref->name, ref->roles.owner);
  const TimestampTz now = GetCurrentTimestamp();
  // A pool that is not live has counted nothing.
  if (lock_ref(ref)) {
    pool_reset_counters(region(), live_of(ref)->pool, now);
    unlock_ref(ref);
  }
  PG_RETURN_VOID();
}

}  // extern "C"
