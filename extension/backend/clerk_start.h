// Starting the clerk, the background worker that ends what is over (entry/clerk.cpp).
#pragma once

namespace numpool {

// To be called before anything is made that the clerk is to end: the record of a token, a live pool
// whose numbers rest. Errors: 53400 where PostgreSQL has no worker to spare.
void require_clerk();
// The same for who may not fail, as it only repeats what was decided elsewhere: where there is
// none, every call tries again.
void require_clerk_later();
// The clerk for the leases that rows have brought back after a start, and for who could not fail.
// Where there is no worker to spare, a warning says so, and every call tries again.
void start_clerk_for_loaded();

}  // namespace numpool
