// The SQL functions of pools. They only write rows of the table of definitions; the trigger on it
// does the rest.

#include "backend/definitions.h"
#include "backend/identity_draw.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/pool_cache.h"
#include "backend/token_uses.h"
#include "backend/undo_log.h"
#include "backend/wait.h"
#include "entry/arguments.h"
#include "pg/debug_point.h"
#include "pg/errors.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace {

using namespace numpool;

text* new_name_argument(FunctionCallInfo fcinfo) {
  text* name = text_argument(fcinfo, 0, "pool");
  const int length = pg_mbstrlen_with_len(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
  if (length < 1 || length > kMaxNameLength)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("name of a pool must have between 1 and %d characters", kMaxNameLength)));
  return name;
}

[[noreturn]] void report_absent(text* name) {
  report_no_pool(text_to_cstring(name));
}

[[noreturn]] void report_other_size(text* name, std::int32_t size, const Definition& existing) {
  ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                  errmsg("pool \"%s\" exists with another size", text_to_cstring(name)),
                  errdetail("It has size %d, and size %d was asked for.", existing.size, size),
                  errhint("Use numpool_resize to change its size.")));
}

bool accept_existing(text* name, std::int32_t size, const Definition& existing,
                     bool if_not_exists) {
  if (!if_not_exists)
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
                    errmsg("pool \"%s\" already exists", text_to_cstring(name))));
  if (existing.size != size) report_other_size(name, size, existing);
  return false;
}

// Waits for a transaction that is dropping the pool, as for a row lock; false if there is none.
bool waited_for_drop(const Definition& existing) {
  PoolRef* ref = pool_ref(existing);
  if (!lock_ref(ref)) return false;
  const TransactionId closing = live_of(ref)->closing;
  unlock_ref(ref);
  if (closing == InvalidTransactionId || TransactionIdIsCurrentTransactionId(closing)) return false;
  return wait_for_transaction(closing, DT_NOEND);
}

StatementArgument text_value(text* value) {
  return {PointerGetDatum(value), TEXTOID, false};
}
StatementArgument bigint_value(std::int64_t value) {
  return {Int64GetDatum(value), INT8OID, false};
}
StatementArgument int_value(std::int32_t value) {
  return {Int32GetDatum(value), INT4OID, false};
}
// An argument of an SQL function, handed on.
StatementArgument jsonb_value(FunctionCallInfo fcinfo, int position) {
  const bool is_null = PG_ARGISNULL(position);
  return {is_null ? Datum{0} : PG_GETARG_DATUM(position), JSONBOID, is_null};
}

// Runs one statement on the table, after noting that the transaction has locks on it from now on.
template <int count>
std::uint64_t write_definitions(const char* statement, const StatementArgument (&arguments)[count],
                                Datum* result = nullptr) {
  static_assert(count <= kMaxStatementArguments);
  log_row_change();
  return execute_on_definitions(statement, arguments, count, result);
}

bool create_pool(text* name, std::int32_t size, const StatementArgument& metadata,
                 bool if_not_exists) {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Definition existing;
    if (read_definition(name, DT_NOEND, &existing) == Lookup::kFound) {
      if (waited_for_drop(existing)) continue;
      return accept_existing(name, size, existing, if_not_exists);
    }
    PreventCommandIfReadOnly("numpool_create()");
    log_row_change();  // draw_identity takes a lock
    // NB: not by the column's default, whose nextval() would move the user's lastval().
    const StatementArgument arguments[] = {text_value(name), bigint_value(draw_identity()),
                                           int_value(size), metadata};
    // Two at once: the second waits here for the first, and then looks again. So it does where the
    // sequence is behind identities that came another way, until it has passed them.
    if (write_definitions("INSERT INTO %s (name, identity, size, metadata) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT DO NOTHING",
                          arguments) == 1)
      return true;
  }
}

// Runs the statement on the pool of that name, $1. If it waited for a transaction that deleted the
// row and made another of the name, it looks again. False: there is no such pool.
template <int count>
bool change_row(const char* statement, const StatementArgument (&arguments)[count],
                Datum* result = nullptr) {
  text* name = DatumGetTextPP(arguments[0].value);
  Definition seen = {};
  read_definition(name, DT_NOEND, &seen);
  while (write_definitions(statement, arguments, result) == 0) {
    CHECK_FOR_INTERRUPTS();
    Definition now;
    if (read_definition(name, DT_NOEND, &now) != Lookup::kFound ||
        (now.identity == seen.identity && is_same_version(now.row, seen.row)))
      return false;
    seen = now;
  }
  return true;
}

// IS NOT DISTINCT FROM, of a row's metadata (0: null) and an argument.
bool same_metadata(Datum metadata, const StatementArgument& argument) {
  if (metadata == 0 || argument.is_null) return metadata == 0 && argument.is_null;
  return DatumGetBool(DirectFunctionCall2(jsonb_eq, metadata, argument.value));
}

// A drop without force: nothing but what this transaction is releasing may be left.
void require_unused(text* name, std::int64_t identity) {
  const Definition definition = {identity, 1, text_to_cstring(name), false, {}};
  PoolRef* ref = pool_ref(definition);
  collect_undelivered();
  if (!lock_ref(ref)) return;
  const Pool& pool = live_of(ref)->pool;
  const std::uint32_t leases = pool.in_use;
  const std::uint32_t waiters = pool.queue.length;
  const std::uint32_t releasing = count_releasing(ref) + token_releases(ref->key);
  unlock_ref(ref);
  if (leases == releasing && waiters == 0) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("pool \"%s\" is in use", definition.name),
                  errdetail("It has %u leases and %u waiters.", leases, waiters),
                  errhint("Use force to end them.")));
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_create);
PGDLLEXPORT Datum numpool_create(PG_FUNCTION_ARGS) {
  text* name = new_name_argument(fcinfo);
  const std::int32_t size = size_argument(fcinfo, 1);
  const bool if_not_exists = bool_argument(fcinfo, 3, "if_not_exists");
  enter_function(fcinfo);
  PG_RETURN_BOOL(create_pool(name, size, jsonb_value(fcinfo, 2), if_not_exists));
}

PG_FUNCTION_INFO_V1(numpool_drop);
PGDLLEXPORT Datum numpool_drop(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const bool force = bool_argument(fcinfo, 1, "force");
  const bool if_exists = bool_argument(fcinfo, 2, "if_exists");
  enter_function(fcinfo);
  const StatementArgument arguments[] = {text_value(name)};
  Datum identity = Datum{0};
  if (!change_row("DELETE FROM %s WHERE name OPERATOR(pg_catalog.=) $1 RETURNING identity",
                  arguments, &identity)) {
    if (!if_exists) report_absent(name);
    PG_RETURN_BOOL(false);
  }
  debug_point(DebugPoint::kClosing);
  // Closing now: nobody comes in any more. What is there decides.
  if (!force) require_unused(name, DatumGetInt64(identity));
  PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(numpool_resize);
PGDLLEXPORT Datum numpool_resize(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const std::int32_t size = size_argument(fcinfo, 1);
  enter_function(fcinfo);
  const StatementArgument arguments[] = {text_value(name), int_value(size)};
  Datum old_size = Datum{0};
  if (!change_row("WITH old AS MATERIALIZED "
                  "(SELECT name, size FROM %1$s WHERE name OPERATOR(pg_catalog.=) $1 FOR UPDATE) "
                  "UPDATE %1$s AS new SET size = $2 FROM old "
                  "WHERE new.name OPERATOR(pg_catalog.=) old.name RETURNING old.size",
                  arguments, &old_size))
    report_absent(name);
  PG_RETURN_DATUM(old_size);
}

PG_FUNCTION_INFO_V1(numpool_open);
PGDLLEXPORT Datum numpool_open(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const std::int32_t size = PG_ARGISNULL(1) ? 0 : size_argument(fcinfo, 1);
  definitions_enter(fcinfo);
  Definition definition;
  Datum metadata;
  if (read_definition(name, DT_NOEND, &definition, &metadata) != Lookup::kFound)
    report_absent(name);
  if (size != 0 && size != definition.size) report_other_size(name, size, definition);
  if (metadata == 0) PG_RETURN_NULL();
  PG_RETURN_DATUM(metadata);
}

PG_FUNCTION_INFO_V1(numpool_list);
PGDLLEXPORT Datum numpool_list(PG_FUNCTION_ARGS) {
  struct Listing {
    text* prefix;
    ReturnSetInfo* result;
  };
  Listing listing = {text_argument(fcinfo, 0, "prefix"),
                     reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)};
  definitions_enter(fcinfo);
  InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
  scan_definitions(
      DT_NOEND,
      [](HeapTuple row, TupleDesc descriptor, void* state) {
        Listing& wanted = *static_cast<Listing*>(state);
        bool is_null;
        Datum name_datum = heap_getattr(row, kColumnName, descriptor, &is_null);
        const text* name = DatumGetTextPP(name_datum);
        const std::size_t length = VARSIZE_ANY_EXHDR(wanted.prefix);
        if (VARSIZE_ANY_EXHDR(name) < length ||
            memcmp(VARDATA_ANY(name), VARDATA_ANY(wanted.prefix), length) != 0)
          return;
        Datum values[] = {name_datum};
        tuplestore_putvalues(wanted.result->setResult, wanted.result->setDesc, values, &is_null);
      },
      &listing);
  return Datum{0};
}

PG_FUNCTION_INFO_V1(numpool_metadata);
PGDLLEXPORT Datum numpool_metadata(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  definitions_enter(fcinfo);
  Definition definition;
  Datum metadata;
  if (read_definition(name, DT_NOEND, &definition, &metadata) != Lookup::kFound)
    report_absent(name);
  if (metadata == 0) PG_RETURN_NULL();
  PG_RETURN_DATUM(metadata);
}

PG_FUNCTION_INFO_V1(numpool_set_metadata);
PGDLLEXPORT Datum numpool_set_metadata(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  const StatementArgument arguments[] = {text_value(name), jsonb_value(fcinfo, 1)};
  if (!change_row("UPDATE %s SET metadata = $2 WHERE name OPERATOR(pg_catalog.=) $1", arguments))
    report_absent(name);
  PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(numpool_replace_metadata);
PGDLLEXPORT Datum numpool_replace_metadata(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  const StatementArgument expected = jsonb_value(fcinfo, 1);
  const StatementArgument wanted = jsonb_value(fcinfo, 2);
  const StatementArgument arguments[] = {text_value(name), expected, wanted};
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    if (write_definitions("UPDATE %s SET metadata = $3 WHERE name OPERATOR(pg_catalog.=) $1 AND "
                          "(metadata IS NULL AND $2 IS NULL OR metadata OPERATOR(pg_catalog.=) $2)",
                          arguments) == 1)
      PG_RETURN_BOOL(true);
    Definition definition;
    Datum metadata;
    if (read_definition(name, DT_NOEND, &definition, &metadata) != Lookup::kFound)
      report_absent(name);
    if (same_metadata(metadata, wanted)) PG_RETURN_BOOL(true);
    // Else another pool of that name has come, and is to be looked at again.
    if (!same_metadata(metadata, expected)) PG_RETURN_BOOL(false);
  }
}

PG_FUNCTION_INFO_V1(numpool_xact_lock);
PGDLLEXPORT Datum numpool_xact_lock(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    const std::int64_t identity = require_pool(name, DT_NOEND)->key.identity;
    lock_identity(identity, IdentityLock::kUser);
    // It may have been dropped while this session waited.
    Definition definition;
    if (read_definition(identity, DT_NOEND, &definition) == Lookup::kFound) break;
    forget_name_of(name);
  }
  PG_RETURN_VOID();
}

}  // extern "C"
