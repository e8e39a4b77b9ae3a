// The view numpool_waiters.

#include "entry/view_rows.h"
#include "shared/session.h"

namespace numpool {

namespace {

struct WaiterRow {
  SessionId session;
  std::int64_t ticket;
  std::int64_t since;
  WaiterKind kind;
  TokenRow token;
};

const char* kind_name(WaiterKind kind) {
  switch (kind) {
    case WaiterKind::kBlocking:
      return "blocking";
    case WaiterKind::kTicket:
      return "ticket";
    case WaiterKind::kPlace:
      return "place";
    case WaiterKind::kWatch:  // in no queue
      break;
  }
  return nullptr;
}

// The columns of numpool_show_waiters, in their order there.
namespace waiters_column {
enum {
  kPool,
  kPosition,
  kTicket,
  kPid,
  kKind,
  kSince,
  kHolder,  // the first of four of a token
  kCount = kHolder + 4
};
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
  values[kKind] = CStringGetTextDatum(kind_name(waiter.kind));
  values[kSince] = TimestampTzGetDatum(waiter.since);
  fill_token_columns(waiter.token, values + kHolder, nulls + kHolder);
  put_row(rows, values, nulls);
}

// Copies the queue of a pool, which is locked; how many there are.
std::uint32_t copy_queue(const Pool& pool, WaiterRow* copy, std::uint32_t room) {
  std::uint32_t count = 0;
  for (Offset at = pool.queue.head; at != 0 && count < room; at = region().at<Waiter>(at)->next) {
    const Waiter& waiter = *region().at<Waiter>(at);
    WaiterRow& row = copy[count++];
    row.session = waiter.session;
    row.ticket = waiter.ticket;
    row.since = waiter.since;
    row.kind = waiter.kind;
    row.token.is_token = false;
    if (waiter.kind != WaiterKind::kPlace) continue;
    // Whose call sleeps on the place, if there is one.
    const TimedRecord& record = *region().at<TimedRecord>(waiter.owner_tag);
    row.session = record.user;
    copy_token(record, &row.token);
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
      if (copy == nullptr) return;  // nobody waits
      complete_name(&name);
      for (std::uint32_t k = 0; k < count; ++k) put_waiter(rows, name, k + 1, copy[k]);
      pfree(copy);
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

PG_FUNCTION_INFO_V1(numpool_show_waiters);
PGDLLEXPORT Datum numpool_show_waiters(PG_FUNCTION_ARGS) {
  Rows rows = begin_rows(fcinfo);
  const LivePools pools = list_live_pools();
  for (std::uint32_t i = 0; i < pools.count; ++i) put_waiters(rows, pools, i);
  return Datum{0};
}

}  // extern "C"
