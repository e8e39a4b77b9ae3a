#include "entry/attach.h"

#include "backend/definitions.h"
#include "backend/ledger_end.h"
#include "backend/ticket.h"
#include "entry/transaction.h"
#include "shared/former_pools.h"
#include "shared/segment.h"
#include "shared/session.h"

namespace numpool {

namespace {

// The session's end. Nothing that runs after this in the backend can hold a lease (README, "End of
// a session").
void on_detach(dsm_segment*, Datum) {
  ledger_end_session();
  free_spare_waiter();
  session_leave();
  arena_use(nullptr);
}

// The transaction that made this database, or has last changed its row.
TransactionId database_maker() {
  HeapTuple row = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
  if (!HeapTupleIsValid(row)) return InvalidTransactionId;
  const TransactionId maker = HeapTupleHeaderGetRawXmin(row->t_data);
  ReleaseSysCache(row);
  return maker;
}

// Sees to it that no pool is live of what was here before. A table that the open transaction has
// made may yet be rolled back, and what it replaces come back: that waits for another transaction.
void note_where_we_are() {
  static Oid noted = InvalidOid;
  const Oid table = definitions_relation();
  if (noted == table || CheckRelationOidLockedByMe(table, AccessExclusiveLock, true)) return;
  note_database(MyDatabaseId, database_maker(), table, table_is_gone);
  noted = table;
}

void join_arena() {
  dsm_segment* segment = segment_map();
  ledger_init();
  register_transaction_callbacks();
  on_dsm_detach(segment, on_detach, 0);
  dsm_pin_mapping(segment);

  // Nothing fails from here on.
  arena_use(static_cast<ArenaControl*>(dsm_segment_address(segment)));
  session_enter(region().at<Session>(arena().sessions), arena().next_serial.fetch_add(1));
}

}  // namespace

void attach_backend() {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("numbers cannot be leased during recovery"),
                    errhint("Connect to the primary server.")));
  if (!arena_attached()) join_arena();
  note_where_we_are();
}

bool attach_if_made() {
  if (RecoveryInProgress() || (!arena_attached() && !segment_is_made())) return false;
  attach_backend();
  return true;
}

}  // namespace numpool
