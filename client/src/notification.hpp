#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace numpool::detail {

/// What the server says about a ticket or a lease; which members are set tells which.
struct notification {
  std::optional<std::int64_t> ticket;
  std::optional<std::string> pool;  ///< UTF-8
  std::optional<std::int64_t> index;
  std::optional<std::int64_t> fence;
  std::optional<std::string> error;
};

/// Reads one JSON object whose values are strings and integers, as the extension writes it.
/// Unknown members of those types, and true, false and null, are skipped, so that a later
/// extension may say more. Anything else (other JSON, trailing text, a repeated or mistyped
/// member, a number out of range, a lone surrogate) gives nothing. Never throws but bad_alloc.
std::optional<notification> parse_notification(std::string_view text);

}  // namespace numpool::detail
