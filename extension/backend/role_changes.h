// Changing who may use a pool, and who owns it.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Errors: 42704 (no such pool or role), 42501.
void change_use(text* pool, const char* role, bool may_use);
void change_owner(text* pool, const char* role);

}  // namespace numpool
