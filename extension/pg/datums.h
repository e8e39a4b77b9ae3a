// Values of SQL types.
#pragma once

#include "pg/pg.h"

extern "C" {
#include "utils/uuid.h"
}

namespace numpool {

inline Datum interval_datum(std::int64_t microseconds) {
  Interval* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
  interval->time = microseconds;
  return IntervalPGetDatum(interval);
}

// Of UUID_LEN bytes.
inline Datum uuid_datum(const void* bytes) {
  pg_uuid_t* uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  memcpy(uuid->data, bytes, UUID_LEN);
  return UUIDPGetDatum(uuid);
}

}  // namespace numpool
