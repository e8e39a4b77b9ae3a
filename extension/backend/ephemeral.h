// The setting ephemeral: whoever creates a pool drops some that nobody has used for as long as
// theirs says (README, rules X1 to X6).
#pragma once

namespace numpool {

// To be called by a transaction that has just made a pool. Drops at most 16 ephemeral pools that
// have been unused for long enough and that the current user may operate, as numpool_drop without
// force. Waits for nobody; whatever keeps a pool from being dropped leaves it as it is. Errors:
// 57014 only, and want of memory for the look.
void drop_unused_pools();

}  // namespace numpool
