// The SQL functions of a pool's owner and users.

#include "backend/role_changes.h"
#include "entry/arguments.h"

namespace {

using namespace numpool;

const char* role_argument(FunctionCallInfo fcinfo) {
  require_argument(fcinfo, 1, "role");
  return NameStr(*PG_GETARG_NAME(1));
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_grant);
PGDLLEXPORT Datum numpool_grant(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const char* role = role_argument(fcinfo);
  enter_function(fcinfo);
  change_use(pool, role, true);
  PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(numpool_revoke);
PGDLLEXPORT Datum numpool_revoke(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const char* role = role_argument(fcinfo);
  enter_function(fcinfo);
  change_use(pool, role, false);
  PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(numpool_set_owner);
PGDLLEXPORT Datum numpool_set_owner(PG_FUNCTION_ARGS) {
  text* pool = text_argument(fcinfo, 0, "pool");
  const char* role = role_argument(fcinfo);
  enter_function(fcinfo);
  change_owner(pool, role);
  PG_RETURN_VOID();
}

}  // extern "C"
