// What a pool is: a row of the table of definitions, as the live pool has to agree with it.
#pragma once

#include <algorithm>

#include "core/pool_settings.h"
#include "pg/pg.h"

namespace numpool {

// Which numbers are out of service, as a definition says it.
struct OutList {
  const std::uint16_t* indexes;  // `count` of them, ascending
  std::uint32_t count;
  bool drained;

  bool operator==(const OutList& other) const {
    return drained == other.drained &&
           std::equal(indexes, indexes + count, other.indexes, other.indexes + other.count);
  }
};

// A definition as its row says it.
struct Definition {
  std::int64_t identity;
  std::int32_t size;  // 0 (in no row): no more than a header, for a pool that is being dropped
  const char* name;   // in the server encoding
  bool own;           // the row is the open transaction's, not yet committed
  ItemPointerData row;
  OutList out;
  PoolSettings settings;
};

// Whether two positions are of the same version of a row. One that is all 0 is of none.
inline bool is_same_version(ItemPointerData one, ItemPointerData other) {
  return ItemPointerIsValid(&one) && ItemPointerIsValid(&other) && ItemPointerEquals(&one, &other);
}

}  // namespace numpool
