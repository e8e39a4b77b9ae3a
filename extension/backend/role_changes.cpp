#include "backend/role_changes.h"

#include "backend/definition_lock.h"
#include "backend/pool_rights.h"
#include "pg/compat.h"

extern "C" {
#include "utils/acl.h"
}

namespace numpool {

namespace {

bool has_user(const PoolUsers& users, Oid role) {
  if (role == ACL_ID_PUBLIC) return users.is_public;
  for (std::uint32_t i = 0; i < users.count; ++i)
    if (users.roles[i] == role) return true;
  return false;
}

// Gives the row that is locked the names that its roles have now. Else a name that is to come, or
// to go, might be the former one of another role of the row; the trigger would take it for that.
void bring_names_up_to_date(const LockedDefinition& locked) {
  const StatementArgument arguments[] = {bigint_value(locked.identity)};
  write_definitions("UPDATE %s SET users = users WHERE identity OPERATOR(pg_catalog.=) $1",
                    arguments);
}

void write_role(const LockedDefinition& locked, const char* statement, const char* role,
                Datum* result = nullptr) {
  bring_names_up_to_date(locked);
  const StatementArgument arguments[] = {bigint_value(locked.identity), name_value(role)};
  write_definitions(statement, arguments, result);
}

// Statements go by names and the row counts by OID, so each change looks whether it has come to
// what was asked for, and if not does it again: a role may be renamed, or made, at any time.
constexpr int kMaxAttempts = 10;

[[noreturn]] void report_being_renamed(const char* role) {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_IN_USE),
           errmsg("roles are being renamed to or from \"%s\"", role), errhint("Try again.")));
}

void require_can_give(const char* pool, Oid role, const char* role_name) {
  if (compat::member_can_set_role(GetUserId(), role)) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("permission denied to give pool \"%s\" to role \"%s\"", pool, role_name),
                  errdetail("Role \"%s\" cannot SET ROLE to it.", current_role_name())));
}

}  // namespace

void change_use(text* pool, const char* role, bool may_use) {
  const bool is_public = strcmp(role, "public") == 0;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    CHECK_FOR_INTERRUPTS();
    const LockedDefinition locked = require_locked_definition(pool);
    const Oid oid = is_public ? ACL_ID_PUBLIC : get_role_oid(role, false);
    if (has_user(locked.roles.users, oid) == may_use) return;
    write_role(locked,
               may_use ? "UPDATE %s SET users = pg_catalog.array_append(users, $2) "
                         "WHERE identity OPERATOR(pg_catalog.=) $1"
                       : "UPDATE %s SET users = pg_catalog.array_remove(users, $2) "
                         "WHERE identity OPERATOR(pg_catalog.=) $1",
               role);
  }
  report_being_renamed(role);
}

void change_owner(text* pool, const char* role) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    CHECK_FOR_INTERRUPTS();
    const LockedDefinition locked = require_locked_definition(pool);
    const Oid oid = get_role_oid(role, false);
    if (locked.roles.owner == oid) return;
    require_can_give(text_to_cstring(pool), oid, role);
    // NB: the new owner need not inherit to the caller, who may not look at the pool again.
    Datum owner = Datum{0};
    write_role(locked,
               "UPDATE %s SET owner = $2 WHERE identity OPERATOR(pg_catalog.=) $1 "
               "RETURNING owner_oid",
               role, &owner);
    if (DatumGetObjectId(owner) == oid) return;
  }
  report_being_renamed(role);
}

}  // namespace numpool
