// The SQL functions of leases.

#include "backend/lease_ends.h"
#include "entry/arguments.h"

extern "C" {
#include "tcop/utility.h"
}

namespace {

using namespace numpool;

bool enter_for(FunctionCallInfo fcinfo, Scope scope, Patience patience) {
  const TimestampTz deadline = deadline_of(patience);
  return scope == Scope::kSession ? enter_changing_session(fcinfo, deadline)
                                  : enter_function(fcinfo, deadline);
}

Datum acquire_into(FunctionCallInfo fcinfo, Scope scope, Patience patience) {
  if (!enter_for(fcinfo, scope, patience)) PG_RETURN_NULL();
  LedgerEntry* entry = acquire(text_argument(fcinfo, 0, "pool"), scope, patience);
  if (entry == nullptr) PG_RETURN_NULL();
  PG_RETURN_INT32(static_cast<std::int32_t>(entry->index));
}

Datum acquire_with_timeout(FunctionCallInfo fcinfo, Scope scope) {
  require_argument(fcinfo, 0, "pool");
  return acquire_into(fcinfo, scope, patience_argument(fcinfo, 1));
}

Datum try_acquire(FunctionCallInfo fcinfo, Scope scope) {
  require_argument(fcinfo, 0, "pool");
  return acquire_into(fcinfo, scope, Patience::none());
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_acquire);
PGDLLEXPORT Datum numpool_acquire(PG_FUNCTION_ARGS) {
  return acquire_with_timeout(fcinfo, Scope::kSession);
}

PG_FUNCTION_INFO_V1(numpool_acquire_xact);
PGDLLEXPORT Datum numpool_acquire_xact(PG_FUNCTION_ARGS) {
  return acquire_with_timeout(fcinfo, Scope::kTransaction);
}

PG_FUNCTION_INFO_V1(numpool_try_acquire);
PGDLLEXPORT Datum numpool_try_acquire(PG_FUNCTION_ARGS) {
  return try_acquire(fcinfo, Scope::kSession);
}

PG_FUNCTION_INFO_V1(numpool_try_acquire_xact);
PGDLLEXPORT Datum numpool_try_acquire_xact(PG_FUNCTION_ARGS) {
  return try_acquire(fcinfo, Scope::kTransaction);
}

PG_FUNCTION_INFO_V1(numpool_release);
PGDLLEXPORT Datum numpool_release(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const std::int32_t index = int_argument(fcinfo, 1, "index");
  enter_changing_session(fcinfo);
  PG_RETURN_BOOL(release(pool, index));
}

PG_FUNCTION_INFO_V1(numpool_release_fenced);
PGDLLEXPORT Datum numpool_release_fenced(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const std::int32_t index = int_argument(fcinfo, 1, "index");
  const std::int64_t fence = bigint_argument(fcinfo, 2, "fence");
  enter_changing_session(fcinfo);
  release_fenced(pool, index, fence);
  PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(numpool_release_all);
PGDLLEXPORT Datum numpool_release_all(PG_FUNCTION_ARGS) {
  enter_changing_session(fcinfo);
  PG_RETURN_INT32(release_all());
}

PG_FUNCTION_INFO_V1(numpool_fence);
PGDLLEXPORT Datum numpool_fence(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  if (PG_ARGISNULL(1)) PG_RETURN_NULL();
  enter_function(fcinfo);
  bool in_range;
  const LedgerEntry* entry = find_lease(pool, PG_GETARG_INT32(1), &in_range);
  if (entry == nullptr) PG_RETURN_NULL();
  PG_RETURN_INT64(entry->fence);
}

PG_FUNCTION_INFO_V1(numpool_end_lease);
PGDLLEXPORT Datum numpool_end_lease(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const std::int32_t index = int_argument(fcinfo, 1, "index");
  const std::int64_t fence = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
  PreventCommandIfReadOnly("numpool_end_lease()");
  enter_function(fcinfo);
  PG_RETURN_BOOL(end_lease_at_commit(pool, index, PG_ARGISNULL(2) ? nullptr : &fence));
}

}  // extern "C"
