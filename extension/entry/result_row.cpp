#include "entry/result_row.h"

namespace numpool {

namespace {

// What a function's row looks like is in the catalog as text and arrays: it takes as long to read
// as the rest of a call. So it is remembered.
struct KnownRow {
  Oid function;
  TupleDesc descriptor;
};
KnownRow known[8];
bool stale = false;

// Only sets a flag, because PostgreSQL may call it at any time, several times, for no reason.
void on_function_invalidation(Datum, int, std::uint32_t) {
  stale = true;
}

void forget_rows() {
  static bool registered = false;
  if (!registered) CacheRegisterSyscacheCallback(PROCOID, on_function_invalidation, Datum{0});
  registered = true;
  for (KnownRow& row : known) {
    if (row.descriptor != nullptr) FreeTupleDesc(row.descriptor);
    row = {};
  }
  // NB: before the catalog is read, so that an invalidation that comes meanwhile is not lost.
  stale = false;
}

TupleDesc read_row(FunctionCallInfo fcinfo) {
  TupleDesc descriptor;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  return BlessTupleDesc(descriptor);
}

TupleDesc row_of(FunctionCallInfo fcinfo) {
  const Oid function = fcinfo->flinfo->fn_oid;
  if (!stale)
    for (const KnownRow& row : known)
      if (row.function == function) return row.descriptor;
  const bool full = known[lengthof(known) - 1].descriptor != nullptr;
  if (stale || full || known[0].descriptor == nullptr) forget_rows();
  TupleDesc descriptor = read_row(fcinfo);
  KnownRow* room = known;
  while (room->descriptor != nullptr) ++room;
  MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
  room->descriptor = CreateTupleDescCopy(descriptor);
  MemoryContextSwitchTo(caller);
  room->function = function;
  return room->descriptor;
}

}  // namespace

Datum make_row(FunctionCallInfo fcinfo, Datum* values, bool* nulls) {
  return HeapTupleGetDatum(heap_form_tuple(row_of(fcinfo), values, nulls));
}

}  // namespace numpool
