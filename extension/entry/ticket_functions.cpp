// The SQL functions of tickets.

#include "backend/delivery.h"
#include "backend/ledger_release.h"
#include "backend/ticket.h"
#include "backend/ledger_undelivered.h"
#include "entry/arguments.h"
#include "entry/result_row.h"

namespace {

using namespace numpool;

// The last two columns of a row: index and fence of a lease, or nulls.
void fill_grant(const LedgerEntry* entry, Datum* values, bool* nulls) {
  const bool held = entry != nullptr && entry->state == EntryState::kHeld;
  nulls[1] = nulls[2] = !held;
  values[1] = held ? Int32GetDatum(static_cast<std::int32_t>(entry->index)) : Datum{0};
  values[2] = held ? Int64GetDatum(entry->fence) : Datum{0};
}

const char* state_of(LedgerEntry* entry) {
  if (entry == nullptr) return "gone";
  if (entry->state == EntryState::kWaiting) return "waiting";
  return entry->state == EntryState::kHeld && still_held(entry) ? "granted" : "dropped";
}

LedgerEntry* ticket_argument(FunctionCallInfo fcinfo,
                             bool (*enter_by)(FunctionCallInfo, TimestampTz)) {
  const std::int64_t ticket = bigint_argument(fcinfo, 0, "ticket");
  enter_by(fcinfo, DT_NOEND);
  collect_undelivered();
  return find_ticket(ticket);
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_enqueue);
PGDLLEXPORT Datum numpool_enqueue(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  if (!enter_changing_session(fcinfo, kNoWait))
    ereport(ERROR,
            (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
             errmsg("could not wait by ticket: another session is loading timed leases, or has "
                    "locked their table"),
             errhint("Try again.")));
  const LedgerEntry* entry = enqueue(pool);
  Datum values[3];
  bool nulls[3] = {};
  values[0] = Int64GetDatum(entry->ticket);
  fill_grant(entry, values, nulls);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_poll);
PGDLLEXPORT Datum numpool_poll(PG_FUNCTION_ARGS) {
  LedgerEntry* entry = ticket_argument(fcinfo, enter_function);
  Datum values[3];
  bool nulls[3] = {};
  values[0] = CStringGetTextDatum(state_of(entry));
  fill_grant(entry, values, nulls);
  // What is shown is not announced again.
  if (entry != nullptr && entry->state != EntryState::kWaiting) mark_shown(entry);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_cancel);
PGDLLEXPORT Datum numpool_cancel(PG_FUNCTION_ARGS) {
  LedgerEntry* entry = ticket_argument(fcinfo, enter_changing_session);
  if (entry == nullptr || entry->releasing || entry->timed) PG_RETURN_BOOL(false);
  if (entry->state == EntryState::kDropped ||
      (entry->state == EntryState::kHeld && !still_held(entry))) {
    mark_shown(entry);
    PG_RETURN_BOOL(false);
  }
  release_at_commit(entry);
  PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(numpool_channel);
PGDLLEXPORT Datum numpool_channel(PG_FUNCTION_ARGS) {
  enter_function(fcinfo);
  PG_RETURN_TEXT_P(cstring_to_text(tell_channel()));
}

}  // extern "C"
