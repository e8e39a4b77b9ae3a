// Who may use a pool, and who may operate it: change its definition, and act on what is in it. It
// is always the current user who is judged, and at the call.
#pragma once

#include "backend/pool_ref.h"

namespace numpool {

bool is_user(const PoolUsers& users);
// By the roles that the pool had when this backend last read its row by name.
inline bool may_use(const PoolRef* ref) {
  return ref->roles.users.is_public || is_user(ref->roles.users);
}
[[noreturn]] void report_not_user(const char* pool);
// Errors: 42501.
inline void require_use(const PoolRef* ref) {
  if (!may_use(ref)) report_not_user(ref->name);
}

// For messages; empty if the session has outlived its role.
const char* current_role_name();

// The role that owns the pool: `owner` if there is such a role, else the extension's owner.
Oid effective_owner(Oid owner, Oid extension_owner);
bool is_operator(Oid owner, Oid extension_owner);
// Errors: 42501. `owner` is that of the row, or InvalidOid.
void require_operator(const char* pool, Oid owner);

// Of every pool: the extension's owner.
bool operates_all();

// Whether the metadata is for this user.
bool may_see_metadata(const PoolRoles& roles, Oid extension_owner);

}  // namespace numpool
