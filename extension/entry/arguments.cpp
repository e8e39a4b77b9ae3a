#include "entry/arguments.h"

#include "backend/definitions.h"
#include "entry/attach.h"

namespace numpool {

bool enter_function(FunctionCallInfo fcinfo, TimestampTz deadline) {
  definitions_enter(fcinfo);
  return attach_backend(deadline);
}

bool enter_changing_session(FunctionCallInfo fcinfo, TimestampTz deadline) {
  const bool entered = enter_function(fcinfo, deadline);
  if (InSecurityRestrictedOperation())
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("cannot acquire or release numbers of the session within a security-restricted "
                    "operation")));
  return entered;
}

void require_argument(FunctionCallInfo fcinfo, int position, const char* name) {
  if (PG_ARGISNULL(position))
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                    errmsg("argument \"%s\" must not be null", name)));
}

text* text_argument(FunctionCallInfo fcinfo, int position, const char* name) {
  require_argument(fcinfo, position, name);
  return PG_GETARG_TEXT_PP(position);
}

std::int32_t int_argument(FunctionCallInfo fcinfo, int position, const char* name) {
  require_argument(fcinfo, position, name);
  return PG_GETARG_INT32(position);
}

std::int64_t bigint_argument(FunctionCallInfo fcinfo, int position, const char* name) {
  require_argument(fcinfo, position, name);
  return PG_GETARG_INT64(position);
}

bool bool_argument(FunctionCallInfo fcinfo, int position, const char* name) {
  require_argument(fcinfo, position, name);
  return PG_GETARG_BOOL(position);
}

std::int64_t microseconds_of(const Interval* interval) {
  // 128 bits: it cannot overflow.
  const __int128 days = static_cast<__int128>(interval->month) * DAYS_PER_MONTH + interval->day;
  const __int128 microseconds = days * USECS_PER_DAY + interval->time;
  if (microseconds > PG_INT64_MAX) return PG_INT64_MAX;
  return microseconds < PG_INT64_MIN ? PG_INT64_MIN : static_cast<std::int64_t>(microseconds);
}

Patience patience_argument(FunctionCallInfo fcinfo, int position) {
  if (PG_ARGISNULL(position)) return Patience::forever();
  const std::int64_t microseconds = microseconds_of(PG_GETARG_INTERVAL_P(position));
  if (microseconds < 0)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("timeout must not be negative")));
  return microseconds == PG_INT64_MAX ? Patience::forever() : Patience{microseconds};
}

std::int32_t size_argument(FunctionCallInfo fcinfo, int position) {
  const std::int32_t size = int_argument(fcinfo, position, "size");
  if (size < 1 || size > static_cast<std::int32_t>(kMaxPoolSize))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("size of a pool must be between 1 and %u", kMaxPoolSize)));
  return size;
}

}  // namespace numpool
