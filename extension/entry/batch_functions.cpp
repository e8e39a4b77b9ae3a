// The SQL functions that do what another one does for each element of an array (README of the
// extension, "Batches").

#include "backend/lease.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/ticket.h"
#include "entry/arguments.h"
#include "entry/ticket_row.h"
#include "pg/compat.h"
#include "pg/subtransaction.h"

namespace {

using namespace numpool;

// An argument that is an array.
struct Elements {
  Datum* values;
  bool* nulls;
  int count;
};

Elements array_argument(FunctionCallInfo fcinfo, int position, const char* name, Oid type) {
  require_argument(fcinfo, position, name);
  ArrayType* array = PG_GETARG_ARRAYTYPE_P(position);
  if (ARR_NDIM(array) > 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("argument \"%s\" must be an array of one dimension", name)));
  // NB: deconstruct_array_builtin of 16 knows no integers.
  const int length = type == TEXTOID ? -1 : type == INT4OID ? 4 : 8;
  const bool by_value = type == INT4OID || (type == INT8OID && FLOAT8PASSBYVAL);
  const char alignment = type == INT8OID ? TYPALIGN_DOUBLE : TYPALIGN_INT;
  Elements elements;
  deconstruct_array(array, type, length, by_value, alignment, &elements.values, &elements.nulls,
                    &elements.count);
  return elements;
}

constexpr int kMostColumns = 7;
// The last columns of each batch: sqlstate, message, detail, hint.
constexpr int kErrorColumns = 4;

// The rows of a result, one an element.
struct Batch {
  ReturnSetInfo* result;
  int own_columns;        // before those of an error
  MemoryContext element;  // emptied after each
  Datum values[kMostColumns];
  bool nulls[kMostColumns];
};

Batch begin_batch(FunctionCallInfo fcinfo) {
  // Whoever calls knows the columns, as a rule; to read them from the catalog takes longer than a
  // few elements do.
  const ReturnSetInfo* caller = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const bool known =
      caller != nullptr && IsA(caller, ReturnSetInfo) && caller->expectedDesc != nullptr;
  InitMaterializedSRF(fcinfo, known ? MAT_SRF_USE_EXPECTED_DESC : 0);
  Batch batch = {};
  batch.result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  batch.own_columns = batch.result->setDesc->natts - kErrorColumns;
  batch.element =
      AllocSetContextCreate(CurrentMemoryContext, "numpool element", ALLOCSET_SMALL_SIZES);
  return batch;
}

void put_result(Batch& batch) {
  tuplestore_putvalues(batch.result->setResult, batch.result->setDesc, batch.values, batch.nulls);
}

// The row of an element that went well; its own columns are filled in.
void put_done(Batch& batch) {
  for (int i = batch.own_columns; i < batch.own_columns + kErrorColumns; ++i) batch.nulls[i] = true;
  put_result(batch);
}

void put_done(Batch& batch, bool value) {
  batch.values[0] = BoolGetDatum(value);
  batch.nulls[0] = false;
  put_done(batch);
}

void put_text(Batch& batch, int column, const char* text) {
  batch.nulls[column] = text == nullptr;
  if (text != nullptr) batch.values[column] = CStringGetTextDatum(text);
}

void put_error(Batch& batch, int sqlstate, const char* message, const char* detail,
               const char* hint) {
  MemoryContext caller = MemoryContextSwitchTo(batch.element);
  for (int i = 0; i < batch.own_columns; ++i) batch.nulls[i] = true;
  put_text(batch, batch.own_columns, unpack_sql_state(sqlstate));
  put_text(batch, batch.own_columns + 1, message);
  put_text(batch, batch.own_columns + 2, detail);
  put_text(batch, batch.own_columns + 3, hint);
  put_result(batch);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(batch.element);
}

void put_null_error(Batch& batch, const char* name) {
  MemoryContext caller = MemoryContextSwitchTo(batch.element);
  const char* message = psprintf("element of argument \"%s\" must not be null", name);
  MemoryContextSwitchTo(caller);
  put_error(batch, ERRCODE_NULL_VALUE_NOT_ALLOWED, message, nullptr, nullptr);
}

// Whether an error is about more than the element that met it (B3).
bool ends_statement(const ErrorData& error) {
  switch (ERRCODE_TO_CATEGORY(error.sqlerrcode)) {
    case MAKE_SQLSTATE('4', '0', '0', '0', '0'):  // the transaction has to be rolled back
    case MAKE_SQLSTATE('5', '7', '0', '0', '0'):  // cancelled, or shut down
    case MAKE_SQLSTATE('5', '8', '0', '0', '0'):  // the system is broken,
    case MAKE_SQLSTATE('F', '0', '0', '0', '0'):  // its configuration,
    case MAKE_SQLSTATE('X', 'X', '0', '0', '0'):  // or we are
      return true;
    default:
      return false;
  }
}

// Does `work` for an element in a subtransaction of its own (B2). False: it has failed, and that is
// the element's result.
bool done_alone(Batch& batch, void (*work)(void* argument), void* argument) {
  MemoryContext caller = MemoryContextSwitchTo(batch.element);
  ErrorData* error = in_subtransaction(work, nullptr, argument);
  MemoryContextSwitchTo(caller);
  if (error == nullptr) {
    MemoryContextReset(batch.element);
    return true;
  }
  if (ends_statement(*error)) ReThrowError(error);
  put_error(batch, error->sqlerrcode, error->message, error->detail, error->hint);
  return false;
}

struct Enqueuing {
  text* pool;
  LedgerEntry* entry;
};

void enqueue_element(Batch& batch, text* pool) {
  Enqueuing element = {pool, enqueue_if_ready(pool)};
  if (element.entry == nullptr) {
    const auto work = [](void* argument) {
      Enqueuing& each = *static_cast<Enqueuing*>(argument);
      each.entry = enqueue(each.pool);
    };
    if (!done_alone(batch, work, &element)) return;
  }
  fill_ticket(element.entry, batch.values, batch.nulls);
  put_done(batch);
}

struct Releasing {
  text* pool;
  std::int32_t index;
  std::int64_t fence;
  bool released;
};

void release_element(Batch& batch, Releasing& element) {
  const auto work = [](void* argument) {
    Releasing& each = *static_cast<Releasing*>(argument);
    each.released = release_if_held(each.pool, each.index, each.fence);
  };
  if (remembered_pool(element.pool) != nullptr)
    work(&element);
  else if (!done_alone(batch, work, &element))
    return;
  put_done(batch, element.released);
}

void require_same_length(const Elements& pools, const Elements& indexes, const Elements& fences) {
  if (pools.count == indexes.count && pools.count == fences.count) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("arguments \"pools\", \"indexes\" and \"fences\" must have the same number of "
                  "elements"),
           errdetail("They have %d, %d and %d.", pools.count, indexes.count, fences.count)));
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_enqueue_batch);
PGDLLEXPORT Datum numpool_enqueue_batch(PG_FUNCTION_ARGS) {
  const Elements pools = array_argument(fcinfo, 0, "pools", TEXTOID);
  Batch batch = begin_batch(fcinfo);
  enter_enqueuing(fcinfo);
  for (int i = 0; i < pools.count; ++i) {
    CHECK_FOR_INTERRUPTS();
    if (pools.nulls[i])
      put_null_error(batch, "pools");
    else
      enqueue_element(batch, DatumGetTextPP(pools.values[i]));
  }
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_release_batch);
PGDLLEXPORT Datum numpool_release_batch(PG_FUNCTION_ARGS) {
  const Elements pools = array_argument(fcinfo, 0, "pools", TEXTOID);
  const Elements indexes = array_argument(fcinfo, 1, "indexes", INT4OID);
  const Elements fences = array_argument(fcinfo, 2, "fences", INT8OID);
  require_same_length(pools, indexes, fences);
  Batch batch = begin_batch(fcinfo);
  enter_changing_session(fcinfo);
  for (int i = 0; i < pools.count; ++i) {
    CHECK_FOR_INTERRUPTS();
    if (pools.nulls[i] || indexes.nulls[i] || fences.nulls[i]) {
      put_null_error(batch, pools.nulls[i] ? "pools" : indexes.nulls[i] ? "indexes" : "fences");
      continue;
    }
    Releasing element = {DatumGetTextPP(pools.values[i]), DatumGetInt32(indexes.values[i]),
                         DatumGetInt64(fences.values[i]), false};
    release_element(batch, element);
  }
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_cancel_batch);
PGDLLEXPORT Datum numpool_cancel_batch(PG_FUNCTION_ARGS) {
  const Elements tickets = array_argument(fcinfo, 0, "tickets", INT8OID);
  Batch batch = begin_batch(fcinfo);
  enter_changing_session(fcinfo);
  collect_undelivered();
  for (int i = 0; i < tickets.count; ++i) {
    CHECK_FOR_INTERRUPTS();
    if (tickets.nulls[i])
      put_null_error(batch, "tickets");
    else
      put_done(batch, cancel(DatumGetInt64(tickets.values[i])));
  }
  return Datum{0};
}

}  // extern "C"
