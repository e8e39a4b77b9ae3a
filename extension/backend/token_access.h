// Finding a token, with the right to use it; and what a call for one is asked and answers.
#pragma once

#include "pg/pg.h"
#include "shared/token_table.h"

namespace numpool {

// Who asks for a timed lease.
struct TimedRequest {
  text* pool;
  Token token;
  bool is_own_token;   // the caller's; else it was made for this call
  std::int64_t ttl;    // microseconds
  const char* holder;  // holder_length bytes
  std::size_t holder_length;
};

constexpr std::size_t kMaxHolderLength = 64;  // bytes

// What a token has after a call for it.
enum class TokenHas : std::uint8_t {
  kNothing,
  kPlace,  // a place in the queue, or an offer
  kLease,
};

struct TokenState {
  TokenHas has;
  std::uint32_t index;  // of a lease
  std::int64_t fence;   // the same
  std::int64_t left;    // microseconds that it lasts from now, or from COMMIT
  std::int64_t ttl;
};

// Of a record whose pool is locked.
TokenState lease_state(const TimedRecord& record);
TokenState place_state(const TimedRecord& record);

TokenKey token_key(const Token& token);

// Whether this user may act for a token that the role took: he has the privileges of the role, or
// of the extension's owner.
bool may_use_token(Oid role);

// The record of a token with its pool locked. What is over by now is ended first. nullptr: the
// token is unknown. Errors: 42501.
TimedRecord* require_token(const TokenKey& key, LivePool** live);
// The record of a token with its pool locked, if this session is its user; else nullptr.
TimedRecord* lock_own_token(const TokenKey& key, LivePool** live);
// Ends what the token has; its pool is locked, and unlocked then. Cannot fail.
void end_token(TimedRecord* record, LivePool* live, EndKind end);
// The pool, which is locked, allows a lease of that ttl; it is unlocked if not. Errors: 22023.
void check_ttl(std::int64_t ttl, LivePool* live);
// 55006, with the pool unlocked.
[[noreturn]] void report_token_in_use(LivePool* live);

// A record for the request, in no table, that the next call gets if this one ends in an error.
// Errors: 53200.
Offset make_spare_record(const TimedRequest& request, bool waits);
// It is spare no more.
void forget_spare_record();
// At the end of the session: what a call left for the next. Cannot fail.
void free_spare_record();

}  // namespace numpool
