// The table of definitions and its sequences as the catalog has them, and reading a row of the
// table.
#pragma once

#include "backend/patience.h"
#include "backend/pool_roles.h"
#include "pg/pg.h"
#include "shared/definition.h"

namespace numpool {

// At the head of every SQL function: takes in invalidations and finds the extension's relations
// beside the function. Errors: 42704 where they are gone.
void definitions_enter(FunctionCallInfo fcinfo);
// The same for a trigger on the table itself. Errors: 39P01 on any other.
void definitions_enter_table(Oid relation);

Oid definitions_relation();
// Grows whenever a name may have come to mean something else.
std::uint64_t definitions_epoch();
// Makes every cached name be looked up again, after a rollback of a transaction that may have seen
// its own rows. Cannot fail.
void definitions_forget_names();
// Whether the extension that definitions_enter found is still there. Takes no lock on it.
bool definitions_exist();
// Whether that table of definitions is gone, for others too: the open transaction has not just
// dropped it itself.
bool table_is_gone(Oid relation);
Oid definitions_identity_sequence();
Oid definitions_fence_sequence();
// The role that owns the extension.
Oid definitions_owner();
// The table of timed leases, and its primary key.
Oid definitions_timed_relation();
Oid definitions_timed_index();

enum class Lookup { kFound, kAbsent, kLocked };

// A column of jsonb, with what a row has there.
struct JsonColumn {
  AttrNumber column;
  Datum value;  // 0: null
};

// Reads the newest committed row, or the open transaction's own. The table and its index are locked
// only meanwhile; kLocked where somebody had one of them until the deadline. With `json`, also that
// column of the row; with `roles`, also these.
Lookup read_definition(text* name, TimestampTz deadline, Definition* definition,
                       JsonColumn* json = nullptr, PoolRoles* roles = nullptr);
Lookup read_definition(std::int64_t identity, TimestampTz deadline, Definition* definition);
// A version of the row that the open transaction has changed, whatever command changed it:
enum class OwnVersion {
  kNewest,     // as it leaves it; none if it has deleted the row
  kCommitted,  // as others see it; none if it has made the row
};
// False: there is no such version, or the open transaction has not changed the row.
bool read_own_change(std::int64_t identity, OwnVersion which, Definition* definition);
// From a row in hand.
void fill_definition(HeapTuple row, TupleDesc descriptor, Definition* definition);
// A jsonb column; 0: null.
Datum copy_json(HeapTuple row, TupleDesc descriptor, AttrNumber column);

// Columns of the table; those of roles: pool_roles.h.
constexpr AttrNumber kColumnName = 1;
constexpr AttrNumber kColumnIdentity = 2;
constexpr AttrNumber kColumnSize = 3;
constexpr AttrNumber kColumnMetadata = 4;
// Those of its roles are in pool_roles.h.
constexpr AttrNumber kColumnOutOfService = 9;
constexpr AttrNumber kColumnSettings = 10;

constexpr int kMaxNameLength = 200;  // characters

// An argument of a statement; the first is $1.
struct StatementArgument {
  Datum value;
  Oid type;
  bool is_null;
};
constexpr int kMaxStatementArguments = 6;

// Runs one statement on the table ("%s" in it stands for the table's name) as the table's owner, on
// a snapshot taken now, and returns how many rows it touched. With `result`, the first column of
// its first row. Whatever it finds, it leaves locks on the table until the transaction ends (rule
// D7): the caller has logged that (log_row_change).
std::uint64_t execute_on_definitions(const char* statement, const StatementArgument* arguments,
                                     int argument_count, Datum* result);

// Each row of the table, in the order of names. What the callback allocates goes with the row; it
// must not ereport past live C++ objects.
// False: the table was locked until the deadline, and nothing has been visited.
bool scan_definitions(TimestampTz deadline,
                      void (*visit)(HeapTuple row, TupleDesc descriptor, void* state), void* state);

// Rows of ephemeral pools, of identities above `after` and in their order, until `visit` returns
// false: all versions, of which those others see are visible. Found by an index of their own. What
// the callback allocates goes with the row. False: the table or the index was not to be had at
// once, and nothing has been visited.
using EphemeralVisit = bool (*)(HeapTuple version, TupleDesc descriptor, bool is_visible,
                                void* state);
bool scan_ephemeral_definitions(std::int64_t after, EphemeralVisit visit, void* state);

// Heavyweight locks on an identity, until the end of the transaction.
// kRows: on the rows of timed leases of its pool (timed_rows.h); of the identity 0, which is none:
// on loading all of the database.
enum class IdentityLock : std::uint16_t { kDefinition = 1, kUser = 2, kRows = 3 };
LOCKTAG identity_tag(std::int64_t identity, IdentityLock purpose);
void lock_identity(std::int64_t identity, IdentityLock purpose);
// The same if that is free at once; else false.
bool try_lock_identity(std::int64_t identity, IdentityLock purpose);

}  // namespace numpool
