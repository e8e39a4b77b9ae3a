// The memory of the segment, before anything lies in it: got from the system step by step, so that
// a large one can be cancelled.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Makes a segment of `size` bytes, all of which the system has set aside. It is mapped from its
// start for at least `mapped` bytes (all of it where that costs no time), zeroed, and goes with the
// resource owner: whatever ends the making, nothing of it stays. Interrupts are taken in. Errors:
// what PostgreSQL reports where memory is missing.
dsm_segment* make_backing(std::size_t size, std::size_t mapped);

}  // namespace numpool
