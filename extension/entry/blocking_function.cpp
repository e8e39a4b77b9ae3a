// The SQL function that says whom a sleeper waits for.

#include "backend/blocking.h"
#include "backend/definitions.h"
#include "entry/arguments.h"
#include "shared/arena.h"

extern "C" {
#include "utils/array.h"
}

using namespace numpool;

extern "C" {

PG_FUNCTION_INFO_V1(numpool_blocking);
PGDLLEXPORT Datum numpool_blocking(PG_FUNCTION_ARGS) {
  const std::int32_t pid = int_argument(fcinfo, 0, "pid");
  enter_function(fcinfo);
  PallocList<int> blocking = {};
  list_blocking(pid, blocking);
  Datum* values = static_cast<Datum*>(palloc(sizeof(Datum) * (blocking.count + 1)));
  for (std::uint32_t i = 0; i < blocking.count; ++i) values[i] = Int32GetDatum(blocking[i]);
  PG_RETURN_ARRAYTYPE_P(construct_array(values, static_cast<int>(blocking.count), INT4OID,
                                        sizeof(std::int32_t), true, TYPALIGN_INT));
}

}  // extern "C"
