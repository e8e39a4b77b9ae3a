// The segment of the arena: how the first backend of a server makes it, and every other finds it.
#pragma once

#include "shared/arena.h"

namespace numpool {

// Maps the segment, or makes it, for as long as the resource owner lives; the caller pins the
// mapping. Takes interrupts in, and holds no lock while memory is got. Errors: 55000 where another
// version of the library made it, 53200 where it cannot be made.
dsm_segment* segment_map();
// Whether there is one. False, too, where not even that can be told, for want of memory.
bool segment_is_made();

// The size of the segment that the next start will make, in bytes.
std::size_t segment_configured_size();
void segment_define_settings();

}  // namespace numpool
