#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "engine.hpp"

namespace numpool::detail {

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

/// numpool_lease: it waits on the server, and with it whatever is sent behind it.  No timeout: for
/// ever.  Without a fence the timeout passed, and the token keeps its place.
token_answer lease_by_token(engine& at, const timed_request& what,
                            std::optional<std::chrono::milliseconds> timeout);

/// numpool_keep of a number that the session leases.  Without a fence it does not.
token_answer keep_by_token(engine& at, const timed_request& what, int index);

/// numpool_renew.  A kept place has no fence; what is over has no time left either.
token_answer renew_token(engine& at, const std::string& token);

/// numpool_release.  False: the token had nothing.
bool release_token(engine& at, const std::string& token);

}  // namespace numpool::detail
