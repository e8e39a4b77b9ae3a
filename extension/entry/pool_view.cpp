// The view numpool_pools.

#include "backend/pool_rights.h"
#include "entry/pool_figures.h"
#include "entry/view_rows.h"
#include "pg/datums.h"

extern "C" {
#include "catalog/pg_type_d.h"
#include "utils/array.h"
#include "utils/varbit.h"
}

namespace numpool {

namespace {

// Live numbers of one pool; all zero where it is not loaded.
struct PoolFigures {
  PoolMoment moment;
  PoolCounters counters;
  std::uint64_t taken[kMaxPoolSize / 64];  // bit i of word i / 64: index i has a lease
};

void copy_figures(LivePool& live, PoolFigures* figures) {
  Pool& pool = live.pool;
  MemSet(figures, 0, sizeof(*figures));
  figures->moment = moment_of(live);
  figures->counters = pool.counters;
  const FreeSet free_set = pool.free_set(region());
  for (std::uint32_t i = 0; i < pool.size; ++i)
    if (!free_set.contains(i) && pool.slot(region(), i).holder != 0)
      figures->taken[i / 64] |= std::uint64_t{1} << (i % 64);
}

void read_figures(const Definition& definition, PoolFigures* figures) {
  MemSet(figures, 0, sizeof(*figures));
  figures->moment = moment_of(definition);
  LivePool* live = lock_defined(definition);
  if (live == nullptr) return;
  copy_figures(*live, figures);
  unlock_pool(live);
}

// A bit string with a bit an index, index 0 first; 1: has a lease.
Datum bitmap_datum(const PoolFigures& figures) {
  const int bits = static_cast<int>(figures.moment.size);
  const int bytes = VARBITTOTALLEN(bits);
  VarBit* bit_string = static_cast<VarBit*>(palloc0(bytes));
  SET_VARSIZE(bit_string, bytes);
  VARBITLEN(bit_string) = bits;
  for (std::uint32_t i = 0; i < figures.moment.size; ++i)
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
  kDeadlocks,
  kWaitTotal,
  kWaitLongest,
  kCountingSince,
  kTimed,
  kExpired,
  kEnded,
  kDeaths,
  kOwner,
  kOutOfService,
  kDrained,
  kResting,
  kSettings,
  kUsers,
  kCount
};
}

// Whether a standby knows it: what its row says, and nothing of what happens on the primary.
bool is_of_definition(int column) {
  return column == pools_column::kPool || column == pools_column::kSize ||
         column == pools_column::kMetadata || column == pools_column::kOwner ||
         column == pools_column::kDrained || column == pools_column::kSettings ||
         column == pools_column::kUsers;
}

void fill_counters(const PoolCounters& counters, Datum* values) {
  using namespace pools_column;
  values[kGrants] = Int64GetDatum(static_cast<std::int64_t>(counters.grants));
  values[kHandoffs] = Int64GetDatum(static_cast<std::int64_t>(counters.handoffs));
  values[kTimeouts] = Int64GetDatum(static_cast<std::int64_t>(counters.timeouts));
  values[kCancels] = Int64GetDatum(static_cast<std::int64_t>(counters.cancels));
  values[kDeadlocks] = Int64GetDatum(static_cast<std::int64_t>(counters.deadlocks));
  values[kWaitTotal] = interval_datum(counters.wait_total);
  values[kWaitLongest] = interval_datum(counters.wait_longest);
  values[kCountingSince] = TimestampTzGetDatum(counters.counting_since);
  values[kExpired] = Int64GetDatum(static_cast<std::int64_t>(counters.expired));
  values[kEnded] = Int64GetDatum(static_cast<std::int64_t>(counters.ended));
  values[kDeaths] = Int64GetDatum(static_cast<std::int64_t>(counters.deaths));
}

Datum role_name_datum(const char* name) {
  return DirectFunctionCall1(namein, CStringGetDatum(name));
}

// The names that the roles have now, of those that are there.
Datum users_datum(const PoolUsers& users) {
  Datum* names = static_cast<Datum*>(palloc(sizeof(Datum) * (users.count + 1)));
  int count = 0;
  if (users.is_public) names[count++] = role_name_datum("public");
  for (std::uint32_t i = 0; i < users.count; ++i)
    if (const char* name = GetUserNameFromId(users.roles[i], true))
      names[count++] = role_name_datum(name);
  return PointerGetDatum(construct_array(names, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

// What the row says beside the size; all zero where the row is not read.
struct PoolRow {
  Datum metadata;  // 0: none, or not for this user
  Oid owner;
  Datum settings;  // 0: none
  Datum users;     // 0: not known
};

void fill_row(const PoolRow& row, Datum* values, bool* nulls) {
  using namespace pools_column;
  values[kMetadata] = row.metadata;
  nulls[kMetadata] = row.metadata == 0;
  const char* owner = OidIsValid(row.owner) ? GetUserNameFromId(row.owner, true) : nullptr;
  nulls[kOwner] = owner == nullptr;
  if (owner != nullptr) values[kOwner] = role_name_datum(owner);
  values[kSettings] = row.settings;
  nulls[kSettings] = row.settings == 0;
  values[kUsers] = row.users;
  nulls[kUsers] = row.users == 0;
}

void put_pool(Rows& rows, Datum name, const PoolFigures& figures, const PoolRow& row) {
  using namespace pools_column;
  Datum values[kCount];
  bool nulls[kCount] = {};
  values[kPool] = name;
  values[kSize] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.size));
  values[kInUse] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.in_use));
  values[kFree] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.free));
  values[kWaiting] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.waiting));
  values[kBitmap] = bitmap_datum(figures);
  fill_row(row, values, nulls);
  fill_counters(figures.counters, values);
  nulls[kCountingSince] = !figures.moment.loaded;
  values[kTimed] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.timed));
  values[kOutOfService] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.out_of_service));
  values[kDrained] = BoolGetDatum(figures.moment.drained);
  values[kResting] = Int32GetDatum(static_cast<std::int32_t>(figures.moment.resting));
  if (RecoveryInProgress())
    for (int column = 0; column < kCount; ++column)
      nulls[column] = nulls[column] || !is_of_definition(column);
  put_row(rows, values, nulls);
}

struct DefinitionRows {
  Rows* rows;
  Oid extension_owner;
};

void put_definition(HeapTuple row, TupleDesc descriptor, void* state) {
  const DefinitionRows& wanted = *static_cast<DefinitionRows*>(state);
  Definition definition;
  PoolRoles roles;
  fill_definition(row, descriptor, &definition);
  fill_roles(row, descriptor, &roles);
  // NB: static, as it is 8 kB; nothing that is called from here comes back to it.
  static PoolFigures figures;
  read_figures(definition, &figures);
  const bool may_see = may_see_metadata(roles, wanted.extension_owner);
  put_pool(*wanted.rows, CStringGetTextDatum(definition.name), figures,
           {may_see ? copy_json(row, descriptor, kColumnMetadata) : Datum{0},
            effective_owner(roles.owner, wanted.extension_owner),
            copy_json(row, descriptor, kColumnSettings), users_datum(roles.users)});
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
    if (!stub) put_pool(rows, name_datum(name), figures, {});
    CHECK_FOR_INTERRUPTS();
  }
  ereport(WARNING,
          (errmsg("pools that nobody has used, owners, users, settings and metadata are not shown"),
           errdetail("Another session has locked their definitions.")));
}

}  // namespace

}  // namespace numpool

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_show_pools);
PGDLLEXPORT Datum numpool_show_pools(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  // Whoever looks when something is stuck is not to be stuck, too.
  DefinitionRows definitions = {&rows, definitions_owner()};
  if (!scan_definitions(kNoWait, put_definition, &definitions)) put_live_pools(rows);
  return Datum{0};
}

}  // extern "C"
