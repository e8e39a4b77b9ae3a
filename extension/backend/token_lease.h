// Leasing by token: what numpool_lease does, without its arguments.
#pragma once

#include "backend/patience.h"
#include "backend/token_access.h"

namespace numpool {

// A lease for the token, new, picked up or renewed; or, when patience is at its end, the place that
// is kept for a token of the caller's. Errors: 42704, 22023, 42501, 55006, 55000, 40P01, 55P03,
// 53200, 57014.
TokenState lease_by_token(const TimedRequest& request, Patience patience);

}  // namespace numpool
