#include "entry/transaction.h"

#include "backend/definition_changes.h"
#include "backend/definitions.h"
#include "backend/delivery.h"
#include "backend/idle_wait.h"
#include "backend/ledger_end.h"
#include "backend/lease_ends.h"
#include "backend/ledger_undelivered.h"
#include "backend/shutdown.h"
#include "backend/token_uses.h"
#include "backend/undo_log.h"
#include "pg/debug_point.h"

namespace numpool {

namespace {

void undo_record(const UndoRecord& record) {
  debug_point(DebugPoint::kUndoing);
  switch (record.kind) {
    case UndoKind::kCreated:
      give_up(record.entry);
      break;
    case UndoKind::kChanged:
      restore_entry(record);
      break;
    case UndoKind::kDefinition:
      restore_change(record.ref, record.change);
      break;
    case UndoKind::kRows:
      // The session may remember names and users from what is undone.
      definitions_forget_names();
      break;
    case UndoKind::kTokenUsed:
      undo_use(record.use);
      break;
    case UndoKind::kUseChanged:
      restore_use(record);
      break;
    case UndoKind::kLeaseEnd:
      undo_lease_end();
      break;
  }
}

// Undoes what the subtransaction, and those inside it, did. Cannot fail.
void undo_to(SubTransactionId subtransaction) {
  end_idle_wait();
  while (const UndoRecord* record = take_newest_record(subtransaction)) undo_record(*record);
}

void finish_transaction(bool commit) {
  debug_point(commit ? DebugPoint::kRowsVisible : DebugPoint::kAborting);
  if (!commit) {
    let_shutdown_reach_all();
    undo_to(TopSubTransactionId);
  }
  forget_log();
  finish_changes(commit);
  debug_point(DebugPoint::kChangesDone);
  if (commit) hold_tokens();
  finish_entries();
  if (commit) end_tokens();
  finish_lease_ends(commit);
  debug_point(DebugPoint::kEntriesDone);
  // Whoever was granted something meanwhile is told before the next command.
  if (anything_undelivered()) raise_delivery();
}

void on_transaction_event(XactEvent event, void*) {
  if (!arena_attached()) return;
  switch (event) {
    case XACT_EVENT_PRE_COMMIT:
      deliver();
      break;
    case XACT_EVENT_PRE_PREPARE:
      if (!undo_log_is_empty())
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot PREPARE a transaction that has acquired or released a number of a "
                        "pool, or changed a pool")));
      break;
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE:
      finish_transaction(true);
      break;
    case XACT_EVENT_ABORT:
      finish_transaction(false);
      break;
    default:
      break;
  }
}

void on_subtransaction_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
                             void*) {
  if (!arena_attached()) return;
  if (event == SUBXACT_EVENT_ABORT_SUB)
    undo_to(mine);
  else if (event == SUBXACT_EVENT_COMMIT_SUB)
    merge_into_parent(mine, parent);
}

}  // namespace

void register_transaction_callbacks() {
  static bool registered = false;
  if (registered) return;
  RegisterXactCallback(on_transaction_event, nullptr);
  RegisterSubXactCallback(on_subtransaction_event, nullptr);
  registered = true;
}

}  // namespace numpool
