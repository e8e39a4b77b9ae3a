// Acquiring and releasing: what the SQL functions do, without their arguments.
#pragma once

#include "backend/ledger.h"
#include "backend/patience.h"
#include "pg/pg.h"

namespace numpool {

// A lease, granted at once or after waiting; nullptr when patience is at its end. Errors: 42704,
// 40P01, 55000, 55P03, 57014, 53200.
LedgerEntry* acquire(text* name, Scope scope, Patience patience);

// False if this session does not hold the index. Errors: 42704, 22023.
bool release(text* name, std::int64_t index);
// Releases the lease of the index that has this fence. Errors: 55000 if this session does not hold
// it; 42704, 22023.
void release_fenced(text* name, std::int64_t index, std::int64_t fence);
// The same; false if this session does not hold it. Errors: 42704. Where remembered_pool knows the
// name, only want of memory makes it fail.
bool release_if_held(text* name, std::int64_t index, std::int64_t fence);
// Everything that is not already being released; how many.
std::int32_t release_all();
// 22023.
[[noreturn]] void report_out_of_range(text* name, std::int64_t index);
// The session's lease of that index, or nullptr. Errors: 42704.
LedgerEntry* find_lease(text* name, std::int64_t index, bool* in_range);

}  // namespace numpool
