#include "backend/timed_rows.h"

#include "backend/definitions.h"
#include "pg/datums.h"
#include "pg/errors.h"

extern "C" {
#include "access/heapam.h"
#include "catalog/indexing.h"
}

namespace numpool {

namespace {

// Columns of the table.
enum : AttrNumber {
  kDatabase = 1,
  kIdentity,
  kIndex,
  kFence,
  kToken,
  kTtl,
  kHolder,
  kRole,
  kColumns = kRole,
};

Relation open_timed_table(LOCKMODE lock) {
  const Oid relation = definitions_timed_relation();
  if (lock != NoLock) LockRelationOid(relation, lock);
  AcceptInvalidationMessages();
  if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation))) report_not_installed();
  return table_open(relation, NoLock);
}

// A column that is never null, of a type that is passed by reference.
Datum reference_column(HeapTuple tuple, AttrNumber column, TupleDesc descriptor) {
  bool is_null;
  const Datum value = heap_getattr(tuple, column, descriptor, &is_null);
  if (DatumGetPointer(value) == nullptr) elog(ERROR, "a row of timed leases has a null");
  return value;
}

TimedRow read_row(HeapTuple tuple, TupleDesc descriptor) {
  TimedRow row = {};
  bool is_null;
  row.identity = DatumGetInt64(heap_getattr(tuple, kIdentity, descriptor, &is_null));
  row.index = DatumGetUInt32(heap_getattr(tuple, kIndex, descriptor, &is_null));
  row.fence = DatumGetInt64(heap_getattr(tuple, kFence, descriptor, &is_null));
  memcpy(&row.token, DatumGetUUIDP(reference_column(tuple, kToken, descriptor))->data, UUID_LEN);
  row.ttl = DatumGetIntervalP(reference_column(tuple, kTtl, descriptor))->time;
  const Datum holder = heap_getattr(tuple, kHolder, descriptor, &is_null);
  if (!is_null) {
    const text* value = DatumGetTextPP(holder);
    row.holder = VARDATA_ANY(value);
    row.holder_length = VARSIZE_ANY_EXHDR(value);
  }
  row.role = DatumGetObjectId(heap_getattr(tuple, kRole, descriptor, &is_null));
  return row;
}

// Rows of the identity, of one index and fence if there is a fence.
SysScanDesc begin_scan(Relation table, std::int64_t identity, std::uint32_t index,
                       std::int64_t fence) {
  ScanKeyData key[3];
  ScanKeyInit(&key[0], kIdentity, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(identity));
  ScanKeyInit(&key[1], kIndex, BTEqualStrategyNumber, F_INT4EQ, UInt32GetDatum(index));
  ScanKeyInit(&key[2], kFence, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(fence));
  return systable_beginscan(table, definitions_timed_index(), true, SnapshotSelf,
                            fence == 0 ? 1 : 3, key);
}

void delete_found(Relation table, SysScanDesc scan) {
  for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple);
       tuple = systable_getnext(scan))
    simple_heap_delete(table, &tuple->t_self);
  systable_endscan(scan);
  // What the same statement does next has to be able to delete what this one has inserted.
  CommandCounterIncrement();
}

}  // namespace

bool lock_rows_of(std::int64_t identity) {
  const LOCKTAG tag = identity_tag(identity, IdentityLock::kRows);
  return LockAcquire(&tag, ShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool lock_timed_table() {
  return ConditionalLockRelationOid(definitions_timed_relation(), RowExclusiveLock);
}

bool wait_for_rows_of(std::int64_t identity, TimestampTz deadline) {
  LOCKTAG tag = identity_tag(identity, IdentityLock::kRows);
  return wait_for_locks(
      deadline,
      [](void* argument) {
        const LOCKTAG* wanted = static_cast<const LOCKTAG*>(argument);
        LockAcquire(wanted, ShareLock, false, false);
        LockRelease(wanted, ShareLock, false);
      },
      &tag);
}

void insert_timed_row(const TimedRow& row) {
  Relation table = open_timed_table(NoLock);
  Datum values[kColumns];
  bool nulls[kColumns] = {};
  values[kDatabase - 1] = ObjectIdGetDatum(MyDatabaseId);
  values[kIdentity - 1] = Int64GetDatum(row.identity);
  values[kIndex - 1] = UInt32GetDatum(row.index);
  values[kFence - 1] = Int64GetDatum(row.fence);
  values[kToken - 1] = uuid_datum(&row.token);
  values[kTtl - 1] = interval_datum(row.ttl);
  nulls[kHolder - 1] = row.holder_length == 0;
  values[kHolder - 1] = row.holder_length == 0
                            ? Datum{0}
                            : PointerGetDatum(cstring_to_text_with_len(
                                  row.holder, static_cast<int>(row.holder_length)));
  values[kRole - 1] = ObjectIdGetDatum(row.role);
  HeapTuple tuple = heap_form_tuple(RelationGetDescr(table), values, nulls);
  CatalogTupleInsert(table, tuple);
  heap_freetuple(tuple);
  table_close(table, NoLock);
  CommandCounterIncrement();
}

void delete_timed_row(std::int64_t identity, std::uint32_t index, std::int64_t fence) {
  Relation table = open_timed_table(NoLock);
  delete_found(table, begin_scan(table, identity, index, fence));
  table_close(table, NoLock);
}

void delete_stale_rows_of(std::int64_t identity) {
  Relation table = open_timed_table(AccessShareLock);
  SysScanDesc scan = begin_scan(table, identity, 0, 0);
  const bool any = HeapTupleIsValid(systable_getnext(scan));
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  if (any) delete_timed_rows_of(identity);
}

void delete_timed_rows_of(std::int64_t identity) {
  lock_identity(identity, IdentityLock::kRows);
  Relation table = open_timed_table(RowExclusiveLock);
  delete_found(table, begin_scan(table, identity, 0, 0));
  table_close(table, NoLock);
}

bool any_timed_row() {
  if (!ConditionalLockRelationOid(definitions_timed_relation(), AccessShareLock)) return false;
  Relation table = open_timed_table(NoLock);
  SysScanDesc scan = systable_beginscan(table, InvalidOid, false, SnapshotSelf, 0, nullptr);
  const bool any = HeapTupleIsValid(systable_getnext(scan));
  systable_endscan(scan);
  table_close(table, AccessShareLock);
  return any;
}

void scan_timed_rows(void (*visit)(const TimedRow& row, void* state), void* state) {
  Relation table = open_timed_table(AccessShareLock);
  SysScanDesc scan = systable_beginscan(table, InvalidOid, false, SnapshotSelf, 0, nullptr);
  TupleDesc descriptor = RelationGetDescr(table);
  for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple);
       tuple = systable_getnext(scan)) {
    bool is_null;
    const Datum database = heap_getattr(tuple, kDatabase, descriptor, &is_null);
    // A row that came along from a template is of the template.
    if (DatumGetObjectId(database) == MyDatabaseId) visit(read_row(tuple, descriptor), state);
  }
  systable_endscan(scan);
  table_close(table, AccessShareLock);
}

}  // namespace numpool
