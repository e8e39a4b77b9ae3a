// The socket of this backend's client.
#pragma once

#include "pg/pg.h"

namespace numpool {

// Not in a process without a client.
pgsocket client_socket();

}  // namespace numpool
