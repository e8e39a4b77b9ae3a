// Changing a definition: its row is locked first, and who owns the pool is judged on what was
// locked. A pool that is looked at before may be dropped, and another's be there under its name.
#pragma once

#include "backend/definitions.h"
#include "backend/undo_log.h"

namespace numpool {

// A row that the open transaction has locked: nobody else changes or deletes it until it ends.
struct LockedDefinition {
  std::int64_t identity;
  std::int32_t size;
  Datum metadata;  // 0: null
  PoolRoles roles;
};

// Locks the newest row of that name, waiting for whoever changes it. False: there is no such pool.
// Errors: 42501, if this user may not operate the pool that was locked.
bool lock_definition(text* name, LockedDefinition* locked);
// The same of a row that has these metadata. False: there was none, and no row is locked.
bool lock_definition_if(text* name, const StatementArgument& metadata, LockedDefinition* locked);
// Errors: 42704 too.
LockedDefinition require_locked_definition(text* name);

// Values for statements on the table.
inline StatementArgument text_value(text* value) {
  return {PointerGetDatum(value), TEXTOID, false};
}
inline StatementArgument bigint_value(std::int64_t value) {
  return {Int64GetDatum(value), INT8OID, false};
}
inline StatementArgument int_value(std::int32_t value) {
  return {Int32GetDatum(value), INT4OID, false};
}
inline StatementArgument name_value(const char* value) {
  Name name = static_cast<Name>(palloc0(NAMEDATALEN));
  namestrcpy(name, value);
  return {NameGetDatum(name), NAMEOID, false};
}

// Runs one statement on the table, after noting that the transaction has locks on it from now on.
template <int count>
std::uint64_t write_definitions(const char* statement, const StatementArgument (&arguments)[count],
                                Datum* result = nullptr) {
  static_assert(count <= kMaxStatementArguments);
  log_row_change();
  return execute_on_definitions(statement, arguments, count, result);
}

}  // namespace numpool
