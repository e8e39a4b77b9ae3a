// What the open transaction does to tokens: a lease that is taken, picked up, kept or released
// counts from COMMIT on, and ROLLBACK leaves the token as it was. The undo log has a record of each
// use.
#pragma once

#include "backend/token_use.h"
#include "backend/undo_log.h"

namespace numpool {

// The use of the token by the open transaction, or nullptr.
TokenUse* find_use(const TokenKey& key);
// Whether the open transaction has taken, kept or released a lease of a token, so that it has locks
// on the table of their rows.
bool uses_tokens();
// Leases of the pool that the open transaction releases by their tokens.
std::uint32_t token_releases(const PoolKey& pool);

// Room for a use, and for its undo record. May ereport.
void reserve_use();
// Notes the use of a record, of whose pool the key is, for which there is room. Cannot fail.
TokenUse* note_use(const PoolKey& pool, const TimedRecord& record, UseKind kind,
                   LedgerEntry* entry = nullptr);
// Before `releases` or `has_row` of a use change. May ereport.
void record_use_change(TokenUse* use);
// Undoes the use, of which the undo log tells last, and takes it off the log. Cannot fail.
void take_back_use(TokenUse* use);

// Takes the use, of which the undo log tells last, off the log and the list; nothing is to be
// undone. Cannot fail.
void forget_use(TokenUse* use);

// Of the undo log: undo the use, or a change of it. Cannot fail.
void undo_use(TokenUse* use);
void restore_use(const UndoRecord& record);

// At COMMIT, before the ledger's entries end: the tokens get what was taken for them. Cannot fail.
void hold_tokens();
// After that: what was released ends. Cannot fail.
void end_tokens();

}  // namespace numpool
