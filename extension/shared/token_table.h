// Which tokens there are, and their records: timed leases, kept places, and what the open
// transactions are about to make of them.
#pragma once

#include "core/timed_record.h"
#include "shared/live_pool.h"

namespace numpool {

// Where a token counts, and which it is.
struct TokenKey {
  Oid database;
  Oid relation;  // the table of definitions
  Token token;
};

inline TokenKey key_of(const TimedRecord& record) {
  return {record.database, record.relation, record.token};
}

// Frees the waiter of a place, which its record has no more, or 0. Cannot fail.
void free_place_waiter(Offset waiter);
// Frees a record that is in no table. Cannot fail.
void free_timed_record(Offset at);
// The record, which nobody else reaches, will only tell of a row that is left: it gives back what
// it does not need for that, and takes no memory from leases and places any more.
void keep_only_row(TimedRecord& record);

// The record of a token with the lock of its pool taken, or nullptr: unknown, over, or its pool is
// gone. Takes the table's lock meanwhile. Cannot fail.
TimedRecord* lock_token(const TokenKey& key, LivePool** live);

// Puts a record into the table. False: another has the token. No numpool lock held; cannot fail.
bool insert_token(TimedRecord& record);
// Takes it out, if it is in. The same.
void remove_token(TimedRecord& record);

// Takes the records, a list by over_next, out of the table, and frees those of which no row is
// left. No lock of the table or of a pool held; cannot fail.
void finish_over(Offset records);

// Ends all that tokens have in a pool that is out of the registry, with an empty queue. No numpool
// lock held; cannot fail.
void end_tokens_of(LivePool& live);

}  // namespace numpool
