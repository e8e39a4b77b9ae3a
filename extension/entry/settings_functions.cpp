// The SQL functions of a pool's settings.

#include "backend/definition_lock.h"
#include "backend/settings_json.h"
#include "entry/arguments.h"
#include "pg/errors.h"

extern "C" {
#include "utils/fmgrprotos.h"
}

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_configure);
PGDLLEXPORT Datum numpool_configure(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  require_argument(fcinfo, 1, "settings");
  const StatementArgument settings = {PG_GETARG_DATUM(1), JSONBOID, false};
  settings_of_json(settings.value);
  enter_function(fcinfo);
  const LockedDefinition locked = require_locked_definition(name);
  const StatementArgument arguments[] = {bigint_value(locked.identity), settings,
                                         text_value(cstring_to_text(kDefaultSettings))};
  Datum merged = Datum{0};
  if (write_definitions(
          "UPDATE %s SET settings = pg_catalog.jsonb_strip_nulls("
          "pg_catalog.jsonb_concat(COALESCE(settings, '{}'), $2)) "
          "WHERE identity OPERATOR(pg_catalog.=) $1 "
          "RETURNING pg_catalog.jsonb_concat($3::pg_catalog.jsonb, COALESCE(settings, '{}'))",
          arguments, &merged) == 0)
    report_no_pool(text_to_cstring(name));
  PG_RETURN_DATUM(merged);
}

PG_FUNCTION_INFO_V1(numpool_settings);
PGDLLEXPORT Datum numpool_settings(PG_FUNCTION_ARGS) {
  text* name = text_argument(fcinfo, 0, "pool");
  definitions_enter(fcinfo);
  Definition definition;
  JsonColumn settings = {kColumnSettings, Datum{0}};
  if (read_definition(name, DT_NOEND, &definition, &settings) != Lookup::kFound)
    report_no_pool(text_to_cstring(name));
  const Datum defaults = DirectFunctionCall1(jsonb_in, CStringGetDatum(kDefaultSettings));
  if (settings.value == 0) PG_RETURN_DATUM(defaults);
  PG_RETURN_DATUM(DirectFunctionCall2(jsonb_concat, defaults, settings.value));
}

}  // extern "C"
