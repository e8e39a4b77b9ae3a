// The SQL function that raises fences by hand.

#include "backend/definitions.h"
#include "backend/fence_draw.h"
#include "entry/arguments.h"
#include "shared/arena.h"
#include "shared/fence.h"

extern "C" {
#include "utils/builtins.h"
}

namespace {

using namespace numpool;

std::int64_t advance_fences(std::int64_t at_least) {
  for (;;) {
    const numpool::Offset record = fence_find();
    if (record == 0) arena_report_full();
    if (await_fences(record, definitions_fence_sequence(), at_least, DT_NOEND) == FenceEnd::kReady)
      return fence_next(record);
  }
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(numpool_advance_fences);
PGDLLEXPORT Datum numpool_advance_fences(PG_FUNCTION_ARGS) {
  const std::int64_t at_least = bigint_argument(fcinfo, 0, "at_least");
  enter_function(fcinfo);
  PreventCommandIfReadOnly("numpool_advance_fences()");
  if (at_least < 1 || at_least > fence::kMostAdvance)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("fences can be advanced to between 1 and %lld",
                           static_cast<long long>(fence::kMostAdvance))));
  PG_RETURN_INT64(advance_fences(at_least));
}

}  // extern "C"
