// The roles of a pool, as a row of the table of definitions has them.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Who may lease from a pool. Only OIDs count: a role may be renamed, and another one get its name.
struct PoolUsers {
  bool is_public;
  std::uint32_t count;
  Oid* roles;  // `count` of them, public not among them
};

struct PoolRoles {
  Oid owner;  // InvalidOid: the extension's owner. There may be no such role any more
  PoolUsers users;
};

// Columns of the table. The trigger sets the names from the OIDs, or the other way round.
constexpr AttrNumber kColumnOwner = 5;
constexpr AttrNumber kColumnOwnerOid = 6;
constexpr AttrNumber kColumnUsers = 7;
constexpr AttrNumber kColumnUserOids = 8;

// From a row in hand; allocated in the current memory context.
void fill_roles(HeapTuple row, TupleDesc descriptor, PoolRoles* roles);

bool same_roles(const PoolRoles& one, const PoolRoles& other);

}  // namespace numpool
