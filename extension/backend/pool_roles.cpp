#include "backend/pool_roles.h"

extern "C" {
#include "utils/acl.h"
#include "utils/array.h"
}

namespace numpool {

void fill_roles(HeapTuple row, TupleDesc descriptor, PoolRoles* roles) {
  bool is_null;
  const Datum owner = heap_getattr(row, kColumnOwnerOid, descriptor, &is_null);
  *roles = {};
  roles->owner = is_null ? InvalidOid : DatumGetObjectId(owner);
  const Datum array = heap_getattr(row, kColumnUserOids, descriptor, &is_null);
  if (is_null) return;
  Datum* elements;
  bool* nulls;
  int count;
  deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true, TYPALIGN_INT, &elements,
                    &nulls, &count);
  PoolUsers& users = roles->users;
  users.roles = static_cast<Oid*>(palloc(sizeof(Oid) * Max(count, 1)));
  for (int i = 0; i < count; ++i) {
    if (nulls[i]) continue;
    const Oid role = DatumGetObjectId(elements[i]);
    if (role == ACL_ID_PUBLIC)
      users.is_public = true;
    else
      users.roles[users.count++] = role;
  }
}

bool same_roles(const PoolRoles& one, const PoolRoles& other) {
  const PoolUsers& users = one.users;
  return one.owner == other.owner && users.is_public == other.users.is_public &&
         users.count == other.users.count &&
         (users.count == 0 ||
          memcmp(users.roles, other.users.roles, sizeof(Oid) * users.count) == 0);
}

}  // namespace numpool
