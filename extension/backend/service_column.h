// The column of the definitions that says which numbers are out of service, and why:
// {"3": "fan broken", "all": "maintenance"}, where "all" stands for a pool that is drained.
#pragma once

#include "pg/pg.h"
#include "shared/definition.h"

namespace numpool {

constexpr const char* kDrainKey = "all";

// What the column, which is not null, says. Members that mean nothing are passed over.
OutList read_out_of_service(Datum column);
// Whether that number is in the list.
bool lists(const OutList& list, std::uint32_t index);
// Why the number, or the pool, is out of service; nullptr: it is not, or nobody has said why.
const char* reason_of(Datum column, std::uint32_t index);
// Errors: 23514 if it does not say it as it is to be said.
void check_out_of_service(Datum column);

}  // namespace numpool
