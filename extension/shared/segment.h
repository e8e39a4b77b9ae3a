// The segment of the arena: how the first backend of a server makes it, and every other finds it.
#pragma once

#include "shared/arena.h"

namespace numpool {

// Maps the segment, or makes it, for as long as the resource owner lives; the caller pins the
// mapping. Errors: 55000 where another version of the library made it, 53200 where it cannot be
// made.
dsm_segment* segment_map();

void segment_define_settings();

}  // namespace numpool
