// The SQL functions of tickets.

#include "backend/delivery.h"
#include "backend/ledger_undelivered.h"
#include "backend/ticket.h"
#include "entry/arguments.h"
#include "entry/result_row.h"
#include "entry/ticket_row.h"

namespace {

using namespace numpool;

const char* state_of(LedgerEntry* entry) {
  if (entry == nullptr) return "gone";
  if (entry->state == EntryState::kWaiting) return "waiting";
  if (entry->state == EntryState::kHeld && still_held(entry)) return "granted";
  return entry->ended ? "ended" : "dropped";
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_enqueue);
PGDLLEXPORT Datum numpool_enqueue(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  enter_enqueuing(fcinfo);
  Datum values[3];
  bool nulls[3] = {};
  fill_ticket(enqueue(pool), values, nulls);
  return make_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(numpool_poll);
PGDLLEXPORT Datum numpool_poll(PG_FUNCTION_ARGS) {
  const std::int64_t ticket = bigint_argument(fcinfo, 0, "ticket");
  enter_function(fcinfo);
  collect_undelivered();
  LedgerEntry* entry = find_ticket(ticket);
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
  const std::int64_t ticket = bigint_argument(fcinfo, 0, "ticket");
  enter_changing_session(fcinfo);
  collect_undelivered();
  PG_RETURN_BOOL(cancel(ticket));
}

PG_FUNCTION_INFO_V1(numpool_channel);
PGDLLEXPORT Datum numpool_channel(PG_FUNCTION_ARGS) {
  enter_function(fcinfo);
  PG_RETURN_TEXT_P(cstring_to_text(tell_channel()));
}

}  // extern "C"
