// What the open transaction changed, one record a change with the state before it. Rolling back is
// undoing, newest first (entry/transaction.cpp). See README.md, "Transactions".
#pragma once

#include "backend/ledger_entry.h"
#include "pg/pg.h"

namespace numpool {

enum class UndoKind : std::uint8_t {
  kCreated,     // entry: came to be
  kChanged,     // entry: its restorable members changed
  kDefinition,  // ref: its pending change changed
  kRows,        // rows of the table changed
  kTokenUsed,   // use: came to be
  kUseChanged,  // use: what COMMIT makes of it changed
  kLeaseEnd,    // a lease was noted that is to be ended by force
};

struct TokenUse;

struct UndoRecord {
  SubTransactionId subtransaction;
  // That of the record before it of the same entry or definition, which a rollback of this one
  // leaves the newest.
  SubTransactionId previous;
  UndoKind kind;
  Scope scope;
  bool releasing;
  bool ticket_active;
  bool shown;
  bool has_row;
  LedgerEntry* entry;
  TokenUse* use;
  PoolRef* ref;
  DefinitionChange change;
};

// Room for one record more, so that the next log_created cannot fail. May ereport.
void reserve_record();

// Records that `entry` came to be. Cannot fail after reserve_record.
void log_created(LedgerEntry* entry);
// Records what a rollback restores of the entry, before it is changed. May ereport.
void log_change(LedgerEntry* entry);
// Takes the newest record back: the creation of `entry`. Cannot fail.
void unlog_created(const LedgerEntry* entry);

// The same of the use of a token: that it came to be (cannot fail after reserve_record), what is to
// be restored of it (may ereport), and taking back its coming to be.
void log_use(TokenUse* use);
void log_use_change(TokenUse* use);
void unlog_use(const TokenUse* use);

// Records that a lease was noted to be ended. Cannot fail after reserve_record.
void log_lease_end();

// Records ref->change before it is changed, once a subtransaction. May ereport.
void log_definition(PoolRef* ref);
// Records that some row of the table of definitions changed. May ereport.
void log_row_change();
// Whether the open transaction has written the table.
bool changed_definitions();

bool undo_log_is_empty();

// Takes the newest record off the log if it is of the subtransaction, or of one inside it; nullptr
// if not. It is good until the next record is written. Cannot fail.
const UndoRecord* take_newest_record(SubTransactionId subtransaction);
// The subtransaction has committed: its records are its parent's, and go where one of the parent's
// restores the same. Cannot fail.
void merge_into_parent(SubTransactionId subtransaction, SubTransactionId parent);
// At the end of the transaction. Cannot fail.
void forget_log();

}  // namespace numpool
