#include "entry/attach.h"

#include "backend/clerk_start.h"
#include "backend/death_log.h"
#include "backend/definitions.h"
#include "backend/ledger_end.h"
#include "backend/ticket.h"
#include "backend/timed_loading.h"
#include "backend/timed_rows.h"
#include "backend/token_access.h"
#include "entry/transaction.h"
#include "pg/subtransaction.h"
#include "shared/former_pools.h"
#include "shared/segment.h"
#include "shared/session.h"

extern "C" {
#include <sys/stat.h>
}

namespace numpool {

namespace {

// The session's end. Nothing that runs after this in the backend can hold a lease (README, "End of
// a session").
void on_detach(dsm_segment*, Datum) {
  ledger_end_session();
  free_spare_waiter();
  free_spare_record();
  session_leave();
  arena_use(nullptr);
  log_deaths();
}

// Tells this database from another one under the same OID: a file of it that is written once, when
// the database is made.
std::uint64_t database_stamp() {
  struct stat file;
  if (stat(psprintf("%s/PG_VERSION", DatabasePath), &file) != 0) return 0;
  const std::uint64_t made = static_cast<std::uint64_t>(file.st_mtim.tv_sec) * 1000000000u +
                             static_cast<std::uint64_t>(file.st_mtim.tv_nsec);
  return made ^ static_cast<std::uint64_t>(file.st_ino) * 0x9e3779b97f4a7c15u;
}

// Whether the open transaction has made the table. It may yet be rolled back, and what it replaces
// come back; and no lease of it is older.
bool is_new_table(Oid table) {
  return CheckRelationOidLockedByMe(table, AccessExclusiveLock, true);
}

// Sees to it that no pool is live of what was here before. False: not until the deadline.
bool note_where_we_are(TimestampTz deadline) {
  const Oid table = definitions_relation();
  const std::uint64_t stamp = database_stamp();
  if (is_noted_database(MyDatabaseId, stamp, table)) return true;
  if (!lock_loading(deadline)) return false;
  note_database(MyDatabaseId, stamp, table, table_is_gone);
  unlock_loading();
  return true;
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

bool attach_backend(TimestampTz deadline) {
  if (RecoveryInProgress())
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("numbers cannot be leased during recovery"),
                    errhint("Connect to the primary server.")));
  if (!arena_attached()) join_arena();
  static Oid settled = InvalidOid;  // the table for which all that follows is done
  const Oid table = definitions_relation();
  if (settled != table) {
    if (is_new_table(table)) return true;
    if (!note_where_we_are(deadline) || !load_timed_leases(deadline)) return false;
    settled = table;
  }
  start_clerk_for_loaded();
  return true;
}

bool attach_if_made() {
  if (RecoveryInProgress()) return false;
  if (arena_attached() || segment_is_made()) {
    attach_backend(kNoWait);
    return true;
  }
  // There may be timed leases that nobody has asked for since the start.
  if (!any_timed_row()) return false;
  in_subtransaction([](void*) { attach_backend(kNoWait); }, nullptr, nullptr);
  return arena_attached();
}

}  // namespace numpool
