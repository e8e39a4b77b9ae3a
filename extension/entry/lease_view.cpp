// The view numpool_leases.

#include "entry/view_rows.h"
#include "shared/session.h"

namespace numpool {

namespace {

struct LeaseRow {
  std::uint32_t index;
  Slot slot;
  bool in_service;
  TokenRow token;
};

const char* scope_name(Scope scope) {
  switch (scope) {
    case Scope::kSession:
      return "session";
    case Scope::kTransaction:
      return "transaction";
    case Scope::kTimed:
      return "timed";
  }
  return nullptr;
}

const char* state_name(LeaseState state) {
  switch (state) {
    case LeaseState::kHeld:
      return "held";
    case LeaseState::kGranted:
      return "granted";
    case LeaseState::kCooling:  // not with a holder
    case LeaseState::kMourning:
    case LeaseState::kReleasing:
      return "releasing";
  }
  return nullptr;
}

// The columns of numpool_show_leases, in their order there.
namespace leases_column {
enum {
  kPool,
  kIndex,
  kFence,
  kPid,
  kScope,
  kState,
  kAcquiredAt,
  kTicket,
  kHolder,  // the first of four of a token
  kInService = kHolder + 4,
  kCount
};
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
  values[kScope] = CStringGetTextDatum(scope_name(lease.slot.scope));
  values[kState] = CStringGetTextDatum(state_name(lease.slot.state));
  values[kAcquiredAt] = TimestampTzGetDatum(lease.slot.acquired_at);
  values[kTicket] = Int64GetDatum(lease.slot.ticket());
  nulls[kTicket] = lease.slot.ticket() == 0;
  fill_token_columns(lease.token, values + kHolder, nulls + kHolder);
  values[kInService] = BoolGetDatum(lease.in_service);
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
      if (slot.holder == 0) continue;
      LeaseRow& row = batch[count++];
      row.index = index;
      row.slot = slot;
      row.in_service = !live->pool.out.has(region(), index);
      row.token.is_token = false;
      if (slot.holder == kTokenHolder)
        copy_token(*region().at<TimedRecord>(slot.owner_tag), &row.token);
    }
    unlock_pool(live);
    complete_name(&name);
    for (std::uint32_t k = 0; k < count; ++k) put_lease(rows, name, batch[k]);
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

}  // namespace numpool

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_show_leases);
PGDLLEXPORT Datum numpool_show_leases(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  const LivePools pools = list_live_pools();
  LeaseRow* batch = static_cast<LeaseRow*>(palloc(sizeof(LeaseRow) * kBatch));
  for (std::uint32_t i = 0; i < pools.count; ++i) put_leases(rows, pools, i, batch);
  return Datum{0};
}

}  // extern "C"
