#include "entry/attach.h"

#include "backend/lease.h"
#include "backend/ledger_end.h"
#include "entry/transaction.h"
#include "shared/segment.h"
#include "shared/session.h"

namespace numpool {

namespace {

// Our own last act: everything else of the backend that could hold a lease is over (README, "End of
// a session").
void on_detach(dsm_segment*, Datum) {
  ledger_end_session();
  free_spare_waiter();
  session_leave();
  arena_use(nullptr);
}

}  // namespace

void attach() {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("numbers cannot be leased during recovery"),
                    errhint("Connect to the primary server.")));
  if (arena_attached()) return;

  dsm_segment* segment = segment_map();
  ledger_init();
  register_transaction_callbacks();
  on_dsm_detach(segment, on_detach, 0);
  dsm_pin_mapping(segment);

  // Nothing fails from here on.
  arena_use(static_cast<ArenaControl*>(dsm_segment_address(segment)));
  session_enter(region().at<Session>(arena().sessions), arena().next_serial.fetch_add(1));
}

}  // namespace numpool
