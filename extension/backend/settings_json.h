// Settings of a pool as its row has them: a JSON object with those that were set.
#pragma once

#include "core/pool_settings.h"
#include "pg/pg.h"

namespace numpool {

// What the settings of a row say, which are JSON; 0: it has none. Errors: 22023 for what is not
// known, or out of range, or of the wrong type, 22007 for what is no interval. A null stands for
// the default.
PoolSettings settings_of_json(Datum json);

// All settings with their defaults, as JSON.
extern const char* const kDefaultSettings;

}  // namespace numpool
