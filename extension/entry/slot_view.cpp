// The function numpool_slots: each number of one pool.

#include "backend/service_column.h"
#include "core/hold_limit.h"
#include "core/rest.h"
#include "core/timed_record.h"
#include "entry/arguments.h"
#include "entry/view_rows.h"
#include "pg/errors.h"
#include "shared/session.h"

namespace numpool {

namespace {

// One number, copied under the pool's lock.
struct NumberRow {
  std::uint32_t index;
  Slot slot;
  bool out_of_service;
  // Microseconds until its rest is over, or its lease by the pool's max_hold; -1: neither.
  std::int64_t left;
  int pid;   // of the session that holds it, or 0
  Oid role;  // of that, or of who took it for a token
  TokenRow token;
};

const char* end_name(LastEnd how) {
  switch (how) {
    case LastEnd::kNone:
      break;
    case LastEnd::kReleased:
      return "released";
    case LastEnd::kTransaction:
      return "transaction";
    case LastEnd::kRollback:
      return "rollback";
    case LastEnd::kSession:
      return "session";
    case LastEnd::kDied:
      return "died";
    case LastEnd::kExpired:
      return "expired";
    case LastEnd::kEnded:
      return "ended";
    case LastEnd::kOverheld:
      return "max_hold";
  }
  return nullptr;
}

// The columns of numpool_slots, in their order there.
namespace slots_column {
enum { kIndex, kState, kSince, kUntil, kReason, kFence, kPid, kUsename, kEnd, kCount };
}

void set_text(const char* text, Datum* value, bool* null) {
  *null = text == nullptr;
  if (text != nullptr) *value = CStringGetTextDatum(text);
}

void fill_holder(int pid, Oid role, Datum* values, bool* nulls) {
  using namespace slots_column;
  values[kPid] = Int32GetDatum(pid);
  nulls[kPid] = pid == 0;
  const char* name = role == InvalidOid ? nullptr : GetUserNameFromId(role, true);
  nulls[kUsename] = name == nullptr;
  if (name != nullptr) values[kUsename] = DirectFunctionCall1(namein, CStringGetDatum(name));
}

void fill_lease(const NumberRow& row, Datum* values, bool* nulls) {
  using namespace slots_column;
  set_text("leased", &values[kState], &nulls[kState]);
  values[kSince] = TimestampTzGetDatum(row.slot.acquired_at);
  const bool is_timed = row.token.is_token && row.token.ends;
  nulls[kUntil] = !is_timed && row.left < 0;
  if (!nulls[kUntil])
    values[kUntil] =
        TimestampTzGetDatum(GetCurrentTimestamp() + (is_timed ? Max(row.token.left, 0) : row.left));
  values[kFence] = Int64GetDatum(row.slot.fence);
  fill_holder(row.pid, row.role, values, nulls);
  nulls[kEnd] = true;
}

void fill_unheld(const NumberRow& row, Datum* values, bool* nulls) {
  using namespace slots_column;
  const bool rests = row.left >= 0;
  set_text(row.out_of_service ? "out of service"
           : rests            ? "resting"
                              : "free",
           &values[kState], &nulls[kState]);
  const LastHolder last = row.slot.last_holder();
  nulls[kUntil] = !rests;
  if (rests) values[kUntil] = TimestampTzGetDatum(GetCurrentTimestamp() + row.left);
  nulls[kFence] = true;
  if (last.how == LastEnd::kNone) {
    nulls[kSince] = nulls[kPid] = nulls[kUsename] = nulls[kEnd] = true;
    return;
  }
  values[kSince] = TimestampTzGetDatum(last.until);
  fill_holder(last.pid, last.role, values, nulls);
  set_text(end_name(last.how), &values[kEnd], &nulls[kEnd]);
}

// `column` is out_of_service of the definition, or 0 for null.
void put_number(Rows& rows, const NumberRow& row, Datum column) {
  using namespace slots_column;
  Datum values[kCount];
  bool nulls[kCount] = {};
  values[kIndex] = Int32GetDatum(static_cast<std::int32_t>(row.index));
  if (row.slot.holder != 0)
    fill_lease(row, values, nulls);
  else
    fill_unheld(row, values, nulls);
  set_text(column == 0 ? nullptr : reason_of(column, row.index), &values[kReason], &nulls[kReason]);
  // A standby knows what is out of service, and nothing of what happens on the primary.
  if (RecoveryInProgress() && !row.out_of_service) nulls[kState] = true;
  put_row(rows, values, nulls);
}

void copy_number(LivePool& live, std::uint32_t index, NumberRow* row) {
  row->index = index;
  row->slot = live.pool.slot(region(), index);
  row->out_of_service = live.pool.out.has(region(), index);
  row->left = -1;
  if (is_resting(row->slot))
    row->left = Max(end_of_rest(live.pool, row->slot) - monotonic_now(), 0);
  else if (row->slot.holder != 0 && is_limited(live.pool, row->slot))
    row->left = Max(end_of_hold(live.pool, row->slot) - monotonic_now(), 0);
  row->pid = 0;
  row->role = InvalidOid;
  row->token.is_token = row->slot.holder == kTokenHolder;
  if (row->token.is_token) {
    const TimedRecord& record = *region().at<TimedRecord>(row->slot.owner_tag);
    copy_token(record, &row->token);
    row->role = record.role;
  } else if (const Session* session = find_session(row->slot.holder)) {
    row->pid = session->pid;
    row->role = session->role;
  }
}

// Numbers from `from` on, at most kBatch of them; where the next batch begins, or 0 for none.
std::uint32_t put_batch(Rows& rows, const Definition& definition, Datum column, std::uint32_t from,
                        NumberRow* batch) {
  std::uint32_t size = static_cast<std::uint32_t>(definition.size);
  std::uint32_t end = size;  // of the numbers there are, those above the size among them
  std::uint32_t count = 0;
  // If it is not loaded.
  const std::int64_t rests_on =
      RecoveryInProgress() ? 0 : rest_left_after_start(definition.settings);
  LivePool* live = lock_defined(definition);
  if (live != nullptr) {
    size = live->pool.size;
    end = chunk::capacity(live->pool.chunk_count);
  }
  for (std::uint32_t index = from; index < end && index < from + kBatch; ++index) {
    NumberRow& row = batch[count];
    if (live != nullptr) {
      copy_number(*live, index, &row);
    } else {
      row = {};
      row.index = index;
      row.left = rests_on > 0 ? rests_on : -1;
      row.out_of_service = definition.out.drained || lists(definition.out, index);
    }
    if (index < size || row.slot.holder != 0) ++count;
  }
  if (live != nullptr) unlock_pool(live);
  for (std::uint32_t i = 0; i < count; ++i) put_number(rows, batch[i], column);
  CHECK_FOR_INTERRUPTS();
  return from + kBatch < end ? from + kBatch : 0;
}

}  // namespace

}  // namespace numpool

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_slots);
PGDLLEXPORT Datum numpool_slots(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  Rows rows = begin_rows(fcinfo);
  Definition definition;
  JsonColumn column = {kColumnOutOfService, Datum{0}};
  // Whoever looks when something is stuck is not to be stuck, too.
  const Lookup lookup = read_definition(name, kNoWait, &definition, &column);
  if (lookup == Lookup::kAbsent) report_no_pool(text_to_cstring(name));
  if (lookup == Lookup::kLocked)
    ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                    errmsg("the definitions of pools are locked by another session"),
                    errhint("numpool_leases shows who holds what.")));
  NumberRow* batch = static_cast<NumberRow*>(palloc(sizeof(NumberRow) * kBatch));
  std::uint32_t from = 0;
  do from = put_batch(rows, definition, column.value, from, batch);
  while (from != 0);
  return Datum{0};
}

}  // extern "C"
