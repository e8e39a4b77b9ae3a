// What is done to a token over any connection: keeping a lease of the session for it, renewing,
// releasing.
#pragma once

#include "backend/token_access.h"

namespace numpool {

// Turns the lease of the index that this session holds into the token's, at COMMIT. kNothing: the
// session does not hold it. Errors: 42704, 22023, 42501, 55006, 55P03, 53200.
TokenState keep_for_token(const TimedRequest& request, std::int64_t index);
// Renews by the lease's own ttl. Not undone by ROLLBACK. Errors: 42501, 55006.
TokenState renew_token(const Token& token);
// At COMMIT; a place or an offer at once. False: the token holds nothing. Errors: 42501, 55006.
bool release_by_token(const Token& token);
// The same of a token that is kHeld and has no user, whoever asks, perhaps by force. Its pool is
// locked, and unlocked then; there is room for a use (reserve_use). False: its time is over.
bool release_locked_token(TimedRecord* record, LivePool* live, bool by_force);

}  // namespace numpool
