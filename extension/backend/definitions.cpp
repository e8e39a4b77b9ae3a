#include "backend/definitions.h"

#include "backend/service_column.h"
#include "backend/settings_json.h"
#include "pg/errors.h"

extern "C" {
#include "catalog/dependency.h"
#include "catalog/pg_extension.h"
#include "executor/spi.h"
#include "utils/acl.h"
}

namespace numpool {

namespace {

constexpr const char* kTable = "numpool_definitions";
constexpr const char* kNameIndex = "numpool_definitions_pkey";
constexpr const char* kIdentityIndex = "numpool_definitions_identity_key";
constexpr const char* kEphemeralIndex = "numpool_definitions_ephemeral_idx";
constexpr const char* kIdentitySequence = "numpool_identity_seq";
constexpr const char* kFenceSequence = "numpool_fence_seq";
constexpr const char* kTimedTable = "numpool_timed";
constexpr const char* kTimedIndex = "numpool_timed_pkey";

struct Found {
  bool valid;
  Oid relation;
  Oid name_index;
  Oid identity_index;
  Oid ephemeral_index;  // InvalidOid: somebody has dropped it
  Oid identity_sequence;
  Oid fence_sequence;
  Oid timed;
  Oid timed_index;
};

Found found;
std::uint64_t epoch = 1;
bool callback_registered = false;

// Only sets flags, because PostgreSQL may call it at any time, several times, for no reason.
void on_relcache_invalidation(Datum, Oid relation) {
  if (relation != InvalidOid && relation != found.relation && relation != found.timed) return;
  found.valid = false;
  ++epoch;
}

Oid required_relation(const char* name, Oid schema) {
  const Oid relation = get_relname_relid(name, schema);
  if (relation == InvalidOid) report_not_installed();
  return relation;
}

void find_relations(Oid schema) {
  if (!callback_registered) {
    CacheRegisterRelcacheCallback(on_relcache_invalidation, Datum{0});
    callback_registered = true;
  }
  const Oid relation = required_relation(kTable, schema);
  // NB: valid before reading, so that an invalidation that comes while reading is not lost.
  found.relation = relation;
  found.valid = true;
  found.name_index = required_relation(kNameIndex, schema);
  found.identity_index = required_relation(kIdentityIndex, schema);
  found.ephemeral_index = get_relname_relid(kEphemeralIndex, schema);
  found.identity_sequence = required_relation(kIdentitySequence, schema);
  found.fence_sequence = required_relation(kFenceSequence, schema);
  found.timed = required_relation(kTimedTable, schema);
  found.timed_index = required_relation(kTimedIndex, schema);
}

// The table and its index, to be locked for reading in that order.
struct LockedPair {
  Oid table;
  Oid index;
};

bool try_lock(const LockedPair& pair) {
  if (!ConditionalLockRelationOid(pair.table, AccessShareLock)) return false;
  if (ConditionalLockRelationOid(pair.index, AccessShareLock)) return true;
  UnlockRelationOid(pair.table, AccessShareLock);
  return false;
}

void unlock(const LockedPair& pair) {
  UnlockRelationOid(pair.index, AccessShareLock);
  UnlockRelationOid(pair.table, AccessShareLock);
}

// False if the deadline came first.
bool lock_until(LockedPair pair, TimestampTz deadline) {
  if (deadline == DT_NOEND) {
    LockRelationOid(pair.table, AccessShareLock);
    LockRelationOid(pair.index, AccessShareLock);
    return true;
  }
  while (!try_lock(pair)) {
    const bool in_time = wait_for_locks(
        deadline,
        [](void* argument) {
          const LockedPair& wanted = *static_cast<const LockedPair*>(argument);
          LockRelationOid(wanted.table, AccessShareLock);
          LockRelationOid(wanted.index, AccessShareLock);
          unlock(wanted);
        },
        &pair);
    if (!in_time) return false;
  }
  return true;
}

// The table and one of its indexes, locked for reading and open.
struct OpenTable {
  Relation table;
  Relation index;
};

// Opens the table and the index that `by` names. kAbsent: DROP EXTENSION has committed; nothing is
// locked then.
Lookup open_table(Oid Found::*by, TimestampTz deadline, OpenTable* open) {
  for (;;) {
    const Oid relation = found.relation;
    const Oid index = found.*by;
    if (!lock_until({relation, index}, deadline)) return Lookup::kLocked;
    // NB: LockRelationOid skips this where the transaction has the lock already.
    AcceptInvalidationMessages();
    if (found.valid) {
      *open = {table_open(relation, NoLock), index_open(index, NoLock)};
      return Lookup::kFound;
    }
    // REINDEX CONCURRENTLY may have put another index in its place, or the table may be gone.
    unlock({relation, index});
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation))) return Lookup::kAbsent;
    find_relations(get_rel_namespace(relation));
  }
}

void close_table(const OpenTable& open) {
  index_close(open.index, AccessShareLock);
  table_close(open.table, AccessShareLock);
}

// A scan of the versions that one snapshot sees. The access method is asked for all versions and
// the snapshot is applied here, because a scan that knows of an MVCC snapshot takes predicate locks
// in a SERIALIZABLE transaction: a session that acquires would then fail with 40001 when somebody
// makes an unrelated pool.
class Scan {
 public:
  // In the order of the index if `key_count` is 0.
  void begin(const OpenTable& open, int key_count, ScanKeyData* key) {
    snapshot_ = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(open.table)));
    scan_ = systable_beginscan_ordered(open.table, open.index, SnapshotAny, key_count, key);
  }
  // Valid until the next call; not a valid tuple at the end.
  HeapTuple next() {
    for (;;) {
      HeapTuple row = next_version();
      if (!HeapTupleIsValid(row) || is_visible()) return row;
    }
  }
  // The same of all versions, and whether the snapshot sees the last one.
  HeapTuple next_version() { return systable_getnext_ordered(scan_, ForwardScanDirection); }
  bool is_visible() {
    return table_tuple_satisfies_snapshot(scan_->heap_rel, scan_->slot, snapshot_);
  }
  void end() {
    systable_endscan_ordered(scan_);
    UnregisterSnapshot(snapshot_);
  }

 private:
  Snapshot snapshot_;
  SysScanDesc scan_;
};

// By the index that `found` names.
Lookup read_one(Oid Found::*by, AttrNumber column, RegProcedure equals, Datum value,
                TimestampTz deadline, Definition* definition, JsonColumn* json, PoolRoles* roles) {
  OpenTable open;
  const Lookup lookup = open_table(by, deadline, &open);
  if (lookup != Lookup::kFound) return lookup;
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, equals, value);
  Scan scan;
  scan.begin(open, 1, &key);
  HeapTuple row = scan.next();
  const bool is_there = HeapTupleIsValid(row);
  if (is_there) fill_definition(row, RelationGetDescr(open.table), definition);
  if (is_there && json != nullptr)
    json->value = copy_json(row, RelationGetDescr(open.table), json->column);
  if (is_there && roles != nullptr) fill_roles(row, RelationGetDescr(open.table), roles);
  scan.end();
  close_table(open);
  return is_there ? Lookup::kFound : Lookup::kAbsent;
}

// Whether others see this version, though the open transaction has updated or deleted it.
bool is_before_own_change(HeapTupleHeader row) {
  return !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row)) &&
         (row->t_infomask & HEAP_XMAX_INVALID) == 0 && !HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask) &&
         TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(row));
}

Oid owner_of_table() {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(found.relation));
  if (!HeapTupleIsValid(tuple)) report_not_installed();
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

// The first column of the first row that SPI has, or 0 for null.
Datum copy_first_value(MemoryContext memory) {
  bool is_null;
  const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
  if (is_null) return Datum{0};
  MemoryContext old = MemoryContextSwitchTo(memory);
  const Form_pg_attribute column = TupleDescAttr(SPI_tuptable->tupdesc, 0);
  const Datum copy = datumCopy(value, column->attbyval, column->attlen);
  MemoryContextSwitchTo(old);
  return copy;
}

}  // namespace

void definitions_enter(FunctionCallInfo fcinfo) {
  if (!IsUnderPostmaster)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("numpool does not work in single-user mode")));
  // A worker's lease would end with the worker.
  if (IsParallelWorker())
    ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                    errmsg("cannot use numpool in a parallel worker")));
  AcceptInvalidationMessages();
  if (!found.valid) find_relations(get_func_namespace(fcinfo->flinfo->fn_oid));
}

void definitions_enter_table(Oid relation) {
  AcceptInvalidationMessages();
  if (!found.valid || found.relation != relation) find_relations(get_rel_namespace(relation));
  if (found.relation != relation)
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("numpool_definition_changed was called by a trigger of another table")));
}

void definitions_forget_names() {
  ++epoch;
}

Oid definitions_relation() {
  return found.relation;
}
std::uint64_t definitions_epoch() {
  return epoch;
}

bool definitions_exist() {
  AcceptInvalidationMessages();
  return found.valid || SearchSysCacheExists1(RELOID, ObjectIdGetDatum(found.relation));
}

bool table_is_gone(Oid relation) {
  return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) &&
         !CheckRelationOidLockedByMe(relation, AccessExclusiveLock, true);
}

Oid definitions_identity_sequence() {
  return found.identity_sequence;
}
Oid definitions_fence_sequence() {
  return found.fence_sequence;
}

Oid definitions_owner() {
  const Oid extension = getExtensionOfObject(RelationRelationId, found.relation);
  Relation table = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(extension));
  SysScanDesc scan = systable_beginscan(table, ExtensionOidIndexId, true, nullptr, 1, &key);
  HeapTuple row = systable_getnext(scan);
  const Oid owner = HeapTupleIsValid(row)
                        ? reinterpret_cast<Form_pg_extension>(GETSTRUCT(row))->extowner
                        : owner_of_table();
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return owner;
}

Oid definitions_timed_relation() {
  return found.timed;
}
Oid definitions_timed_index() {
  if (!found.valid) find_relations(get_rel_namespace(found.relation));
  return found.timed_index;
}

void fill_definition(HeapTuple row, TupleDesc descriptor, Definition* definition) {
  bool is_null;
  definition->name = TextDatumGetCString(heap_getattr(row, kColumnName, descriptor, &is_null));
  definition->identity = DatumGetInt64(heap_getattr(row, kColumnIdentity, descriptor, &is_null));
  definition->size = DatumGetInt32(heap_getattr(row, kColumnSize, descriptor, &is_null));
  definition->own = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));
  definition->row = row->t_self;
  const Datum out = heap_getattr(row, kColumnOutOfService, descriptor, &is_null);
  definition->out = is_null ? OutList{} : read_out_of_service(out);
  const Datum settings = heap_getattr(row, kColumnSettings, descriptor, &is_null);
  definition->settings = settings_of_json(is_null ? Datum{0} : settings);
}

Datum copy_json(HeapTuple row, TupleDesc descriptor, AttrNumber column) {
  bool is_null;
  const Datum json = heap_getattr(row, column, descriptor, &is_null);
  return is_null ? Datum{0} : PointerGetDatum(PG_DETOAST_DATUM_COPY(json));
}

Lookup read_definition(text* name, TimestampTz deadline, Definition* definition, JsonColumn* json,
                       PoolRoles* roles) {
  return read_one(&Found::name_index, kColumnName, F_TEXTEQ, PointerGetDatum(name), deadline,
                  definition, json, roles);
}

Lookup read_definition(std::int64_t identity, TimestampTz deadline, Definition* definition) {
  return read_one(&Found::identity_index, kColumnIdentity, F_INT8EQ, Int64GetDatum(identity),
                  deadline, definition, nullptr, nullptr);
}

std::uint64_t execute_on_definitions(const char* statement, const StatementArgument* arguments,
                                     int argument_count, Datum* result) {
  const Oid schema = get_rel_namespace(found.relation);
  const Oid owner = owner_of_table();
  char* text = psprintf(statement, quote_qualified_identifier(get_namespace_name(schema), kTable));
  Oid types[kMaxStatementArguments];
  Datum values[kMaxStatementArguments];
  char nulls[kMaxStatementArguments];
  for (int i = 0; i < argument_count; ++i) {
    types[i] = arguments[i].type;
    values[i] = arguments[i].value;
    nulls[i] = arguments[i].is_null ? 'n' : ' ';
  }

  // As the owner, the way referential actions do it: no role needs rights on the table.
  Oid caller;
  int context;
  GetUserIdAndSecContext(&caller, &context);
  SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
  MemoryContext caller_memory = CurrentMemoryContext;
  SPI_connect();
  SPIPlanPtr plan = SPI_prepare(text, argument_count, types);
  if (plan == nullptr) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  PushActiveSnapshot(GetLatestSnapshot());
  const int code = SPI_execute_snapshot(plan, values, nulls, GetActiveSnapshot(), InvalidSnapshot,
                                        false, true, 0);
  PopActiveSnapshot();
  if (code < 0) elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(code));
  const std::uint64_t rows = SPI_processed;
  if (result != nullptr && rows > 0) *result = copy_first_value(caller_memory);
  SPI_finish();
  SetUserIdAndSecContext(caller, context);
  return rows;
}

bool read_own_change(std::int64_t identity, OwnVersion which, Definition* definition) {
  OpenTable open;
  if (open_table(&Found::identity_index, DT_NOEND, &open) != Lookup::kFound) report_not_installed();
  ScanKeyData key;
  ScanKeyInit(&key, kColumnIdentity, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(identity));
  const bool newest = which == OwnVersion::kNewest;
  SysScanDesc scan = systable_beginscan_ordered(open.table, open.index,
                                                newest ? SnapshotSelf : SnapshotAny, 1, &key);
  HeapTuple row;
  do row = systable_getnext_ordered(scan, ForwardScanDirection);
  while (HeapTupleIsValid(row) && !newest && !is_before_own_change(row->t_data));
  const bool is_there = HeapTupleIsValid(row);
  if (is_there) fill_definition(row, RelationGetDescr(open.table), definition);
  systable_endscan_ordered(scan);
  close_table(open);
  return is_there;
}

namespace {

// Calls `visit` with each version that a scan finds, and whether it is visible, until it returns
// false. Closes the table.
template <typename Visit>
void visit_versions(const OpenTable& open, int key_count, ScanKeyData* key, Visit visit) {
  MemoryContext row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "numpool row", ALLOCSET_DEFAULT_SIZES);
  Scan scan;
  scan.begin(open, key_count, key);
  bool more = true;
  while (more) {
    HeapTuple row = scan.next_version();
    if (!HeapTupleIsValid(row)) break;
    MemoryContext old = MemoryContextSwitchTo(row_memory);
    more = visit(row, scan.is_visible());
    MemoryContextSwitchTo(old);
    MemoryContextReset(row_memory);
  }
  scan.end();
  MemoryContextDelete(row_memory);
  close_table(open);
}

}  // namespace

bool scan_definitions(TimestampTz deadline,
                      void (*visit)(HeapTuple row, TupleDesc descriptor, void* state),
                      void* state) {
  OpenTable open;
  const Lookup lookup = open_table(&Found::name_index, deadline, &open);
  if (lookup == Lookup::kLocked) return false;
  if (lookup == Lookup::kAbsent) report_not_installed();
  visit_versions(open, 0, nullptr, [&](HeapTuple row, bool is_visible) {
    if (is_visible) visit(row, RelationGetDescr(open.table), state);
    return true;
  });
  return true;
}

bool scan_ephemeral_definitions(std::int64_t after, EphemeralVisit visit, void* state) {
  if (!found.valid) find_relations(get_rel_namespace(found.relation));
  if (found.ephemeral_index == InvalidOid) return false;
  OpenTable open;
  if (open_table(&Found::ephemeral_index, kNoWait, &open) != Lookup::kFound) return false;
  ScanKeyData key;
  ScanKeyInit(&key, kColumnIdentity, BTGreaterStrategyNumber, F_INT8GT, Int64GetDatum(after));
  visit_versions(open, 1, &key, [&](HeapTuple version, bool is_visible) {
    return visit(version, RelationGetDescr(open.table), is_visible, state);
  });
  return true;
}

LOCKTAG identity_tag(std::int64_t identity, IdentityLock purpose) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, found.relation, static_cast<std::uint32_t>(identity),
                     static_cast<std::uint16_t>(purpose));
  return tag;
}

void lock_identity(std::int64_t identity, IdentityLock purpose) {
  const LOCKTAG tag = identity_tag(identity, purpose);
  LockAcquire(&tag, ExclusiveLock, false, false);
}

bool try_lock_identity(std::int64_t identity, IdentityLock purpose) {
  const LOCKTAG tag = identity_tag(identity, purpose);
  return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

}  // namespace numpool
