// A pool's name as notifications carry it.
#pragma once

#include "pg/pg.h"

namespace numpool {

// The name as a JSON string of ASCII only, so that no later step has to convert anything. Bytes
// that stand for no Unicode character appear as \u0080 to \u00ff. Allocated in `memory`.
char* json_name_of(const char* name, MemoryContext memory);

}  // namespace numpool
