// Live pools that outlived their database or their table. Nothing of ours runs when one of these is
// dropped, so whoever first comes to what took its place looks for them. And which timed leases are
// live.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// Whether note_database has nothing to do.
bool is_noted_database(Oid database, std::uint64_t stamp, Oid table);
// To be called with a stamp that tells the database from another one under the same OID, and with
// its table of definitions. All pools of another database are dropped, and the pools of tables that
// are gone. One session of the database at a time; no numpool lock held. Errors: 53200.
void note_database(Oid database, std::uint64_t stamp, Oid table, bool (*is_gone)(Oid table));

// Drops the pools of the database's tables that are gone: waiters and holders are told. No numpool
// lock held.
void drop_pools_of_gone_tables(Oid database, bool (*is_gone)(Oid table));

// Whether every row of a timed lease of that table has been loaded since the server's start.
bool timed_leases_are_live(Oid database, Oid table);
// They are. After note_database.
void note_timed_leases_live(Oid database, Oid table);

}  // namespace numpool
