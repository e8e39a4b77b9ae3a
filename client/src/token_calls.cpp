#include "token_calls.hpp"

#include <cstdlib>

namespace numpool::detail {

namespace {

constexpr statement kLookAndRenew{
    "SELECT NULL, r.fence, " NUMPOOL_LEFT("r") " FROM {}numpool_renew($1) AS r"};

std::optional<std::int64_t> integer(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return std::strtoll(text->c_str(), nullptr, 10);
}

token_answer answer_of(const rows& from) {
  const row& only = from.at(0);
  token_answer out;
  out.fence = integer(only.at(1));
  if (out.fence && only.at(0)) out.index = static_cast<int>(*integer(only.at(0)));
  if (const auto left = integer(only.at(2))) out.left = std::chrono::microseconds(*left);
  return out;
}

std::string text_of(std::chrono::milliseconds time) {
  return std::to_string(time.count());
}

}  // namespace

bool is_refused_for_now(const error& why) {
  return why.sqlstate() == "55006" || why.sqlstate() == "55P03";
}

token_answer lease_by_token(engine& at, const timed_request& what,
                            std::optional<std::chrono::milliseconds> timeout) {
  const auto limit = timeout ? std::optional<std::string>(text_of(*timeout)) : std::nullopt;
  return answer_of(
      at.call(kLeaseToken, {what.pool, text_of(what.ttl), what.token, limit, what.holder}));
}

token_answer renew_token(engine& at, const std::string& token) {
  return answer_of(at.call(kLookAndRenew, {token}));
}

bool release_token(engine& at, const std::string& token) {
  return at.call(kReleaseToken, {token}).at(0).at(0) == "t";
}

}  // namespace numpool::detail
