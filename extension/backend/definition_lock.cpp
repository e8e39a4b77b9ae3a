#include "backend/definition_lock.h"

#include "backend/pool_rights.h"
#include "pg/debug_point.h"
#include "pg/errors.h"

extern "C" {
#include "utils/typcache.h"
}

namespace numpool {

namespace {

void fill_locked(Datum row, LockedDefinition* locked) {
  HeapTupleHeader header = DatumGetHeapTupleHeader(row);
  HeapTupleData tuple = {};
  tuple.t_len = HeapTupleHeaderGetDatumLength(header);
  tuple.t_data = header;
  TupleDesc descriptor =
      lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
  bool is_null;
  locked->identity = DatumGetInt64(heap_getattr(&tuple, kColumnIdentity, descriptor, &is_null));
  locked->size = DatumGetInt32(heap_getattr(&tuple, kColumnSize, descriptor, &is_null));
  locked->metadata = copy_json(&tuple, descriptor, kColumnMetadata);
  fill_roles(&tuple, descriptor, &locked->roles);
  ReleaseTupleDesc(descriptor);
}

}  // namespace

bool lock_definition(text* name, LockedDefinition* locked) {
  Definition seen = {};
  read_definition(name, DT_NOEND, &seen);
  const StatementArgument arguments[] = {text_value(name)};
  Datum row = Datum{0};
  while (write_definitions("SELECT d FROM %s AS d WHERE d.name OPERATOR(pg_catalog.=) $1 "
                           "FOR UPDATE",
                           arguments, &row) == 0) {
    // If it waited for a transaction that deleted the row and made another of the name, it looks
    // again.
    CHECK_FOR_INTERRUPTS();
    Definition now;
    if (read_definition(name, DT_NOEND, &now) != Lookup::kFound ||
        (now.identity == seen.identity && is_same_version(now.row, seen.row)))
      return false;
    seen = now;
  }
  fill_locked(row, locked);
  require_operator(text_to_cstring(name), locked->roles.owner);
  return true;
}

bool lock_definition_if(text* name, const StatementArgument& metadata, LockedDefinition* locked) {
  const StatementArgument arguments[] = {text_value(name), metadata};
  Datum row = Datum{0};
  if (write_definitions("SELECT d FROM %s AS d WHERE d.name OPERATOR(pg_catalog.=) $1 AND "
                        "(d.metadata IS NULL AND $2 IS NULL OR "
                        "d.metadata OPERATOR(pg_catalog.=) $2) FOR UPDATE",
                        arguments, &row) == 0)
    return false;
  fill_locked(row, locked);
  require_operator(text_to_cstring(name), locked->roles.owner);
  return true;
}

LockedDefinition require_locked_definition(text* name) {
  LockedDefinition locked;
  if (!lock_definition(name, &locked)) report_no_pool(text_to_cstring(name));
  return locked;
}

}  // namespace numpool
