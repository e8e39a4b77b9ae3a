#include "entry/ticket_row.h"

#include "backend/delivery.h"
#include "entry/arguments.h"

namespace numpool {

void enter_enqueuing(FunctionCallInfo fcinfo) {
  if (!enter_changing_session(fcinfo, kNoWait))
    ereport(ERROR,
            (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
             errmsg("could not wait by ticket: another session is loading timed leases, or has "
                    "locked their table"),
             errhint("Try again.")));
  listen_to_own_channel();
}

void fill_grant(const LedgerEntry* entry, Datum* values, bool* nulls) {
  const bool held = entry != nullptr && entry->state == EntryState::kHeld;
  nulls[1] = nulls[2] = !held;
  values[1] = held ? Int32GetDatum(static_cast<std::int32_t>(entry->index)) : Datum{0};
  values[2] = held ? Int64GetDatum(entry->fence) : Datum{0};
}

void fill_ticket(const LedgerEntry* entry, Datum* values, bool* nulls) {
  values[0] = Int64GetDatum(entry->ticket);
  nulls[0] = false;
  fill_grant(entry, values, nulls);
}

}  // namespace numpool
