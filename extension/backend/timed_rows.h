// The table numpool_timed: a row for each timed lease, which is inserted and deleted and never
// changed. It is read and written directly, without SPI, plans, triggers and snapshots, so that
// disjoint leases of SERIALIZABLE transactions do not fail each other.
#pragma once

#include "backend/patience.h"
#include "core/timed_record.h"
#include "pg/pg.h"

namespace numpool {

struct TimedRow {
  std::int64_t identity;
  std::uint32_t index;
  std::int64_t fence;
  Token token;
  std::int64_t ttl;  // microseconds
  Oid role;
  const char* holder;  // holder_length bytes
  std::size_t holder_length;
};

// Locks that who writes rows keeps until the end of the transaction: on the table, and on the rows
// of an identity. Taken only if they are free at once. False: somebody has the lock, or waits for
// it.
bool lock_rows_of(std::int64_t identity);
bool lock_timed_table();
// Waits until the lock on the rows of an identity is free, and does not keep it. False at the
// deadline.
bool wait_for_rows_of(std::int64_t identity, TimestampTz deadline);

// With both locks.
void insert_timed_row(const TimedRow& row);
void delete_timed_row(std::int64_t identity, std::uint32_t index, std::int64_t fence);

// All rows of the identity, for whoever deletes the definition. Waits for those who are writing
// rows of it, and keeps others out until the end of the transaction.
void delete_timed_rows_of(std::int64_t identity);
// The same for whoever makes a definition: there should be none, and then nothing is locked.
void delete_stale_rows_of(std::int64_t identity);

// Whether there is any row, where that can be told without waiting.
bool any_timed_row();
// Every row of this database. The strings live as long as the row.
void scan_timed_rows(void (*visit)(const TimedRow& row, void* state), void* state);

}  // namespace numpool
