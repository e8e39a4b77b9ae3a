// Arguments of SQL functions, checked. A NULL that must not be is 22004, never a silent NULL.
#pragma once

#include "backend/lease.h"
#include "pg/pg.h"

namespace numpool {

// To be called first by every function. False: not until the deadline, as another session is
// loading timed leases after a start, or has locked their table.
bool enter_function(FunctionCallInfo fcinfo, TimestampTz deadline = DT_NOEND);

// The same for a function that changes what the session holds: a lease or a ticket outlives the
// statement, so code that only seems to be the user's own may not touch it. Errors: 42501 in a
// security-restricted operation.
bool enter_changing_session(FunctionCallInfo fcinfo, TimestampTz deadline = DT_NOEND);

void require_argument(FunctionCallInfo fcinfo, int position, const char* name);
text* text_argument(FunctionCallInfo fcinfo, int position, const char* name);
std::int32_t int_argument(FunctionCallInfo fcinfo, int position, const char* name);
std::int64_t bigint_argument(FunctionCallInfo fcinfo, int position, const char* name);
bool bool_argument(FunctionCallInfo fcinfo, int position, const char* name);
// A month counts 30 days, as everywhere that PostgreSQL has to decide. What is beyond 64 bits is
// the most, or the least, that they hold.
std::int64_t microseconds_of(const Interval* interval);
// An interval of waiting; NULL: for ever. Errors: 22023 if negative.
Patience patience_argument(FunctionCallInfo fcinfo, int position);
// A pool's size. Errors: 22023.
std::int32_t size_argument(FunctionCallInfo fcinfo, int position);

}  // namespace numpool
