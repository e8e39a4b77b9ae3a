// The SQL functions of pools. They only write rows of the table of definitions; the trigger on it
// does the rest.

#include "backend/definition_lock.h"
#include "backend/ephemeral.h"
#include "backend/identity_draw.h"
#include "backend/idle_wait.h"
#include "backend/ledger_release.h"
#include "backend/ledger_undelivered.h"
#include "backend/lease.h"
#include "backend/pool_cache.h"
#include "backend/pool_rights.h"
#include "backend/service_column.h"
#include "backend/settings_json.h"
#include "backend/token_uses.h"
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

// An argument of an SQL function, handed on.
StatementArgument jsonb_value(FunctionCallInfo fcinfo, int position) {
  const bool is_null = PG_ARGISNULL(position);
  return {is_null ? Datum{0} : PG_GETARG_DATUM(position), JSONBOID, is_null};
}

[[noreturn]] void report_renamed() {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_IN_USE),
           errmsg("the current role was renamed while it made a pool"), errhint("Try again.")));
}

bool create_pool(text* name, std::int32_t size, const StatementArgument& metadata,
                 const StatementArgument& settings, bool if_not_exists) {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Definition existing;
    if (read_definition(name, DT_NOEND, &existing) == Lookup::kFound) {
      if (waited_for_drop(existing)) continue;
      return accept_existing(name, size, existing, if_not_exists);
    }
    PreventCommandIfReadOnly("numpool_create()");
    const Oid creator = GetUserId();
    Datum owner = Datum{0};
    log_row_change();  // draw_identity takes a lock
    // NB: not by the column's default, whose nextval() would move the user's lastval().
    const StatementArgument arguments[] = {
        text_value(name), bigint_value(draw_identity()),
        int_value(size),  metadata,
        settings,         name_value(GetUserNameFromId(creator, false))};
    // Two at once: the second waits here for the first, and then looks again. So it does where the
    // sequence is behind identities that came another way, until it has passed them.
    if (write_definitions("INSERT INTO %s (name, identity, size, metadata, settings, owner) "
                          "VALUES ($1, $2, $3, $4, pg_catalog.jsonb_strip_nulls($5), $6) "
                          "ON CONFLICT DO NOTHING RETURNING owner_oid",
                          arguments, &owner) == 0)
      continue;
    // The trigger knows the name only, which another role may have got in between.
    if (DatumGetObjectId(owner) != creator) report_renamed();
    drop_unused_pools();
    return true;
  }
}

// Runs the statement on the row that is locked, whose identity is $1. Errors: 42704, if a trigger
// of somebody's has taken the row away.
template <int count>
void change_row(const char* statement, const StatementArgument (&arguments)[count], text* name) {
  if (write_definitions(statement, arguments) == 0) report_absent(name);
}

// What is kept with a pool, for whom it is meant. Errors: 42704.
struct OpenedPool {
  Definition definition;
  Datum metadata;  // 0: null
  bool may_see;
};

OpenedPool open_pool(text* name) {
  OpenedPool opened;
  PoolRoles roles;
  JsonColumn metadata = {kColumnMetadata, Datum{0}};
  if (read_definition(name, DT_NOEND, &opened.definition, &metadata, &roles) != Lookup::kFound)
    report_absent(name);
  opened.metadata = metadata.value;
  opened.may_see = may_see_metadata(roles, definitions_owner());
  return opened;
}

// Stands for every number of a pool, of which a row has "all".
constexpr std::int32_t kAllNumbers = -1;

StatementArgument reason_argument(FunctionCallInfo fcinfo, int position) {
  const bool is_null = PG_ARGISNULL(position);
  return {is_null ? Datum{0} : PG_GETARG_DATUM(position), TEXTOID, is_null};
}

// Whether that changed anything.
bool change_service(text* name, std::int32_t index, bool in_service,
                    const StatementArgument& reason) {
  const LockedDefinition locked = require_locked_definition(name);
  // One above a size that has become smaller may still come back.
  const bool is_outside = index >= locked.size;
  if (is_outside && !in_service) report_out_of_range(name, index);
  const char* key = index == kAllNumbers ? kDrainKey : psprintf("%d", index);
  const StatementArgument arguments[] = {bigint_value(locked.identity),
                                         text_value(cstring_to_text(key)), reason};
  // NB: no operator or function but those of pg_catalog, whatever the caller's search_path has.
  const char* const with_it =
      "coalesce(old.out_of_service, '{}') OPERATOR(pg_catalog.||) "
      "pg_catalog.jsonb_build_object($2, $3)";
  const char* const without_it =
      "CASE WHEN old.out_of_service OPERATOR(pg_catalog.-) $2 OPERATOR(pg_catalog.=) '{}' "
      "THEN NULL ELSE old.out_of_service OPERATOR(pg_catalog.-) $2 END";
  char* const statement = psprintf(
      "WITH old AS MATERIALIZED (SELECT identity, out_of_service FROM %%1$s "
      "WHERE identity OPERATOR(pg_catalog.=) $1) "
      "UPDATE %%1$s AS new SET out_of_service = %s FROM old "
      "WHERE new.identity OPERATOR(pg_catalog.=) old.identity "
      "RETURNING coalesce(new.out_of_service, 'null') OPERATOR(pg_catalog.<>) "
      "coalesce(old.out_of_service, 'null')",
      in_service ? without_it : with_it);
  Datum changed = Datum{0};
  if (write_definitions(statement, arguments, &changed) == 0) report_absent(name);
  if (is_outside && !DatumGetBool(changed)) report_out_of_range(name, index);
  return DatumGetBool(changed);
}

// IS NOT DISTINCT FROM, of a row's metadata (0: null) and an argument.
bool same_metadata(Datum metadata, const StatementArgument& argument) {
  if (metadata == 0 || argument.is_null) return metadata == 0 && argument.is_null;
  return DatumGetBool(DirectFunctionCall2(jsonb_eq, metadata, argument.value));
}

void set_metadata(const LockedDefinition& locked, const StatementArgument& metadata, text* name) {
  const StatementArgument arguments[] = {bigint_value(locked.identity), metadata};
  change_row("UPDATE %s SET metadata = $2 WHERE identity OPERATOR(pg_catalog.=) $1", arguments,
             name);
}

// A drop without force: nothing but what this transaction is releasing may be left.
void require_unused(text* name, std::int64_t identity) {
  const Definition definition = {identity, 1, text_to_cstring(name), false, {}, {}, {}};
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
  const StatementArgument settings = jsonb_value(fcinfo, 4);
  // Whoever finds the pool there is told of a mistake, too.
  settings_of_json(settings.value);
  enter_function(fcinfo);
  PG_RETURN_BOOL(create_pool(name, size, jsonb_value(fcinfo, 2), settings, if_not_exists));
}

PG_FUNCTION_INFO_V1(numpool_drop);
PGDLLEXPORT Datum numpool_drop(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const bool force = bool_argument(fcinfo, 1, "force");
  const bool if_exists = bool_argument(fcinfo, 2, "if_exists");
  enter_function(fcinfo);
  LockedDefinition locked;
  if (!lock_definition(name, &locked)) {
    if (!if_exists) report_absent(name);
    PG_RETURN_BOOL(false);
  }
  const StatementArgument arguments[] = {bigint_value(locked.identity)};
  change_row("DELETE FROM %s WHERE identity OPERATOR(pg_catalog.=) $1", arguments, name);
  debug_point(DebugPoint::kClosing);
  // Closing now: nobody comes in any more. What is there decides.
  if (!force) require_unused(name, locked.identity);
  PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(numpool_resize);
PGDLLEXPORT Datum numpool_resize(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const std::int32_t size = size_argument(fcinfo, 1);
  enter_function(fcinfo);
  const LockedDefinition locked = require_locked_definition(name);
  const StatementArgument arguments[] = {bigint_value(locked.identity), int_value(size)};
  change_row("UPDATE %s SET size = $2 WHERE identity OPERATOR(pg_catalog.=) $1", arguments, name);
  PG_RETURN_INT32(locked.size);
}

PG_FUNCTION_INFO_V1(numpool_open);
PGDLLEXPORT Datum numpool_open(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const std::int32_t size = PG_ARGISNULL(1) ? 0 : size_argument(fcinfo, 1);
  definitions_enter(fcinfo);
  const OpenedPool opened = open_pool(name);
  if (size != 0 && size != opened.definition.size) report_other_size(name, size, opened.definition);
  if (opened.metadata == 0 || !opened.may_see) PG_RETURN_NULL();
  PG_RETURN_DATUM(opened.metadata);
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
  const OpenedPool opened = open_pool(name);
  if (!opened.may_see) report_not_user(opened.definition.name);
  if (opened.metadata == 0) PG_RETURN_NULL();
  PG_RETURN_DATUM(opened.metadata);
}

PG_FUNCTION_INFO_V1(numpool_set_metadata);
PGDLLEXPORT Datum numpool_set_metadata(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  const LockedDefinition locked = require_locked_definition(name);
  set_metadata(locked, jsonb_value(fcinfo, 1), name);
  PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(numpool_replace_metadata);
PGDLLEXPORT Datum numpool_replace_metadata(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  const StatementArgument expected = jsonb_value(fcinfo, 1);
  const StatementArgument wanted = jsonb_value(fcinfo, 2);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    // NB: a row that is not to be changed is not locked, which would give the transaction an xid.
    LockedDefinition locked;
    if (lock_definition_if(name, expected, &locked)) {
      set_metadata(locked, wanted, name);
      PG_RETURN_BOOL(true);
    }
    Definition definition;
    JsonColumn metadata = {kColumnMetadata, Datum{0}};
    PoolRoles roles;
    if (read_definition(name, DT_NOEND, &definition, &metadata, &roles) != Lookup::kFound)
      report_no_pool(text_to_cstring(name));
    require_operator(definition.name, roles.owner);
    if (same_metadata(metadata.value, wanted)) PG_RETURN_BOOL(true);
    // Else another pool of that name has come, and is to be looked at again.
    if (!same_metadata(metadata.value, expected)) PG_RETURN_BOOL(false);
  }
}

PG_FUNCTION_INFO_V1(numpool_set_service);
PGDLLEXPORT Datum numpool_set_service(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const std::int32_t index = int_argument(fcinfo, 1, "index");
  const bool in_service = bool_argument(fcinfo, 2, "in_service");
  if (index < 0) report_out_of_range(name, index);
  enter_function(fcinfo);
  PG_RETURN_BOOL(change_service(name, index, in_service, reason_argument(fcinfo, 3)));
}

PG_FUNCTION_INFO_V1(numpool_drain);
PGDLLEXPORT Datum numpool_drain(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const bool drain = bool_argument(fcinfo, 1, "drain");
  enter_function(fcinfo);
  PG_RETURN_BOOL(change_service(name, kAllNumbers, !drain, reason_argument(fcinfo, 2)));
}

PG_FUNCTION_INFO_V1(numpool_wait_idle);
PGDLLEXPORT Datum numpool_wait_idle(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  const Patience patience = patience_argument(fcinfo, 1);
  PG_RETURN_BOOL(enter_function(fcinfo, deadline_of(patience)) && wait_until_idle(name, patience));
}

PG_FUNCTION_INFO_V1(numpool_xact_lock);
PGDLLEXPORT Datum numpool_xact_lock(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  enter_function(fcinfo);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    const PoolRef* ref = require_pool(name, DT_NOEND);
    require_use(ref);
    const std::int64_t identity = ref->key.identity;
    lock_identity(identity, IdentityLock::kUser);
    // It may have been dropped while this session waited.
    Definition definition;
    if (read_definition(identity, DT_NOEND, &definition) == Lookup::kFound) break;
    forget_name_of(name);
  }
  PG_RETURN_VOID();
}

}  // extern "C"
