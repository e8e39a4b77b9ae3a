// Live pools that outlived their database or their table. Nothing of ours runs when one of these is
// dropped, so whoever first comes to what took its place looks for them.
#pragma once

#include "shared/live_pool.h"

namespace numpool {

// To be called with what the catalog says of the database and of its table of definitions. Where
// that is another database under the same OID (`made_by`, the transaction that made it, differs),
// its idle pools are evicted: all are idle, since no session outlives its database. Where it is
// another table, the pools of tables that are gone are dropped. No numpool lock held.
void note_database(Oid database, TransactionId made_by, Oid table, bool (*is_gone)(Oid table));

// Drops the pools of the database's tables that are gone: waiters and holders are told. No numpool
// lock held.
void drop_pools_of_gone_tables(Oid database, bool (*is_gone)(Oid table));

}  // namespace numpool
