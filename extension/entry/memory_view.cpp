// The view numpool_memory.

#include "backend/definitions.h"
#include "entry/attach.h"
#include "entry/result_row.h"
#include "shared/memory_use.h"
#include "shared/segment.h"

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_show_memory);
PGDLLEXPORT Datum numpool_show_memory(PG_FUNCTION_ARGS) {
  definitions_enter(fcinfo);
  constexpr int kColumns = 10;
  Datum values[kColumns] = {};
  bool nulls[kColumns] = {};
  for (bool& is_null : nulls) is_null = true;
  if (attach_if_made()) {
    for (bool& is_null : nulls) is_null = false;
    const MemoryUse use = memory_use();
    values[0] = Int64GetDatum(use.size);
    values[1] = Int64GetDatum(use.size - use.free);
    values[2] = Int64GetDatum(use.idle);
    values[3] = Int64GetDatum(use.free);
    values[4] = Int32GetDatum(use.largest_pool);
    values[5] = Int32GetDatum(use.pools);
    values[6] = Int32GetDatum(use.most_pools);
    values[7] = Int64GetDatum(use.tickets);
    values[8] = Int64GetDatum(use.tickets + use.more_tickets);
  }
  values[9] = Int64GetDatum(static_cast<std::int64_t>(segment_configured_size()));
  nulls[9] = false;
  return make_row(fcinfo, values, nulls);
}

}  // extern "C"
