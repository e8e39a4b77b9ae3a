// What is remembered of each database for as long as the server runs.
#pragma once

#include "shared/arena.h"

namespace numpool {

// Records are only added. Guarded by the registry lock.
struct DatabaseRecord {
  Oid database;
  Oid tablespace;
  std::uint64_t stamp;    // tells it from another one under the same OID
  Oid table;              // its table of definitions
  Oid loaded;             // the table whose timed leases are live; InvalidOid: none
  std::int64_t noted_at;  // when that database and table were first met, by the monotonic clock
  std::int64_t ephemeral_seen;  // identity of the ephemeral pool that was looked at last
  Offset next;
};

// nullptr: none. Under the registry lock.
DatabaseRecord* find_database_record(Oid database);
// The database with the least OID above `after` of which there is a record, and whose files are
// gone; InvalidOid: none. No numpool lock held; cannot fail.
Oid find_gone_database(Oid after);

}  // namespace numpool
