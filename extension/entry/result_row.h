// The one row of a function with OUT parameters.
#pragma once

#include "pg/pg.h"

namespace numpool {

// As many values as the function has columns.
Datum make_row(FunctionCallInfo fcinfo, Datum* values, bool* nulls);

}  // namespace numpool
