#include "backend/pool_rights.h"

#include "backend/definitions.h"

extern "C" {
#include "utils/acl.h"
}

namespace numpool {

namespace {

// A session may outlive its role.
bool role_exists(Oid role) {
  return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

const char* role_name(Oid role) {
  const char* name = GetUserNameFromId(role, true);
  return name == nullptr ? "" : name;
}

}  // namespace

const char* current_role_name() {
  return role_name(GetUserId());
}

bool is_user(const PoolUsers& users) {
  const Oid me = GetUserId();
  if (users.is_public || superuser_arg(me)) return true;
  if (!role_exists(me)) return false;
  for (std::uint32_t i = 0; i < users.count; ++i)
    if (has_privs_of_role(me, users.roles[i])) return true;
  return false;
}

void report_not_user(const char* pool) {
  ereport(
      ERROR,
      (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for pool \"%s\"", pool),
       errdetail("Role \"%s\" has the privileges of none of its users.", current_role_name()),
       errhint("The pool's owner can let it use the pool by numpool_grant.")));
}

Oid effective_owner(Oid owner, Oid extension_owner) {
  return OidIsValid(owner) && role_exists(owner) ? owner : extension_owner;
}

bool is_operator(Oid owner, Oid extension_owner) {
  const Oid me = GetUserId();
  return has_privs_of_role(me, effective_owner(owner, extension_owner)) ||
         has_privs_of_role(me, extension_owner);
}

void require_operator(const char* pool, Oid owner) {
  const Oid extension_owner = definitions_owner();
  if (is_operator(owner, extension_owner)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of pool \"%s\"", pool),
           errdetail("Role \"%s\" has not the privileges of its owner, \"%s\".",
                     current_role_name(), role_name(effective_owner(owner, extension_owner)))));
}

bool operates_all() {
  return has_privs_of_role(GetUserId(), definitions_owner());
}

bool may_see_metadata(const PoolRoles& roles, Oid extension_owner) {
  return is_user(roles.users) || is_operator(roles.owner, extension_owner);
}

}  // namespace numpool
