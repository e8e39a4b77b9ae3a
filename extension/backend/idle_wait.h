// Waiting until nobody holds a number of a pool or waits for one.
#pragma once

#include "backend/patience.h"

namespace numpool {

// False when patience is at its end. Errors: 42704, also if the pool is dropped meanwhile; 40P01 if
// this session has a number of it, or waits for one; 55000, 55P03, 57014.
bool wait_until_idle(text* name, Patience patience);
// Such a wait, if there was one, has ended in an error. Cannot fail.
void end_idle_wait();

}  // namespace numpool
