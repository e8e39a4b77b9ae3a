// Starting the clerk, the background worker that ends what is over (entry/clerk.cpp).
#pragma once

namespace numpool {

// To be called before the first record of a token is made. Errors: 53400 where PostgreSQL has no
// worker to spare.
void require_clerk();
// After a start: the clerk for the leases that rows have brought back. Where there is no worker to
// spare, a warning says so, and every call tries again.
void start_clerk_for_loaded();

}  // namespace numpool
