// Memory for the records of tokens.
#pragma once

#include "shared/token_table.h"

namespace numpool {

// A record of its own, in no table and no pool, with what the key says; `waits`: with a waiter. The
// records of all tokens together may take half of the heap, so that pools and tickets have the
// rest. 0: that, or the heap, is used up. Call it with no numpool lock held.
Offset try_make_timed_record(const TokenKey& key, const char* holder, std::size_t holder_length,
                             bool waits);

}  // namespace numpool
