#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "engine.hpp"
#include "pg_statement.hpp"

namespace numpool::detail {

#define NUMPOOL_LEFT(answer)               \
  "(pg_catalog.date_part('epoch', " answer \
  ".expires_at - pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8"

#define NUMPOOL_TIME(milliseconds) \
  "pg_catalog.make_interval(secs => " milliseconds "::pg_catalog.int8 / 1000.0)"

/// Pool, ttl, token, timeout, holder; gives index, fence and the time left.
constexpr statement kLeaseToken{"SELECT l.index, l.fence, " NUMPOOL_LEFT(
    "l") " FROM {}numpool_lease($1, " NUMPOOL_TIME("$2") ", $3, " NUMPOOL_TIME("$4") ", $5) AS l"};
/// Pool, index, ttl, token, holder; gives the same.
constexpr statement kKeepToken{
    "SELECT $2::pg_catalog.int4, k.fence, " NUMPOOL_LEFT(
        "k") ", m.ours FROM " NUMPOOL_OURS("$6") " CROSS JOIN LATERAL {}numpool_keep(CASE WHEN"
                                                 " m.ours THEN $1 END, $2, " NUMPOOL_TIME(
                                                     "$3") ", $4, $5) AS k",
    -1, true, true};
/// Gives fence and ttl; NULLs of what is over.
constexpr statement kRenewToken{
    "SELECT r.fence, (pg_catalog.date_part('epoch', r.ttl) * 1000000)::pg_catalog.int8"
    " FROM {}numpool_renew($1) AS r"};
constexpr statement kReleaseToken{"SELECT {}numpool_release($1::pg_catalog.uuid)"};

/// Whether a call for a token may succeed soon: the token is in another call or transaction, or
/// somebody has locked the rows.
bool is_refused_for_now(const error& why);

/// What to lease for whom, and for how long.
struct timed_request {
  std::string pool;
  std::chrono::milliseconds ttl{};
  std::string token;
  std::optional<std::string> holder;
};

/// What the server said of a token.
struct token_answer {
  std::optional<int> index;           ///< of the lease; nothing from a renewal
  std::optional<std::int64_t> fence;  ///< nothing: it has no lease
  /// Until the lease or the kept place ends; nothing: it has neither.
  std::optional<std::chrono::microseconds> left;
};

/// numpool_lease: it waits on the server, and with it whatever is sent behind it. No timeout: for
/// ever. Without a fence the timeout passed, and the token keeps its place.
token_answer lease_by_token(engine& at, const timed_request& what,
                            std::optional<std::chrono::milliseconds> timeout);

/// numpool_renew. A kept place has no fence; what is over has no time left either.
token_answer renew_token(engine& at, const std::string& token);

/// numpool_release. False: the token had nothing.
bool release_token(engine& at, const std::string& token);

}  // namespace numpool::detail
