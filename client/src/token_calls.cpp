#include "token_calls.hpp"

#include <cstdlib>

#include "pg_statement.hpp"

namespace numpool::detail {

namespace {

#define NUMPOOL_LEFT(answer)                                               \
  "(pg_catalog.date_part('epoch', " answer                                 \
  ".expires_at - pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8"

#define NUMPOOL_TIME(milliseconds) \
  "pg_catalog.make_interval(secs => " milliseconds "::pg_catalog.int8 / 1000.0)"

constexpr statement kLease{
    "SELECT l.index, l.fence, " NUMPOOL_LEFT("l") " FROM {}numpool_lease($1, " NUMPOOL_TIME(
        "$2") ", $3, " NUMPOOL_TIME("$4") ", $5) AS l"};
constexpr statement kKeep{
    "SELECT $2::pg_catalog.int4, k.fence, " NUMPOOL_LEFT(
        "k") ", m.ours FROM " NUMPOOL_OURS("$6") " CROSS JOIN LATERAL {}numpool_keep(CASE WHEN"
                                                 " m.ours THEN $1 END, $2, " NUMPOOL_TIME(
                                                     "$3") ", $4, $5) AS k",
    -1, true, true};
constexpr statement kRenew{"SELECT NULL, r.fence, " NUMPOOL_LEFT("r") " FROM {}numpool_renew($1) AS r"};
constexpr statement kReleaseToken{"SELECT {}numpool_release($1::pg_catalog.uuid)"};

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

token_answer lease_by_token(engine& at, const timed_request& what,
                            std::optional<std::chrono::milliseconds> timeout) {
  const auto limit = timeout ? std::optional<std::string>(text_of(*timeout)) : std::nullopt;
  return answer_of(at.call(kLease, {what.pool, text_of(what.ttl), what.token, limit, what.holder}));
}

token_answer keep_by_token(engine& at, const timed_request& what, int index) {
  return answer_of(at.call(
      kKeep, {what.pool, std::to_string(index), text_of(what.ttl), what.token, what.holder}));
}

token_answer renew_token(engine& at, const std::string& token) {
  return answer_of(at.call(kRenew, {token}));
}

bool release_token(engine& at, const std::string& token) {
  return at.call(kReleaseToken, {token}).at(0).at(0) == "t";
}

}  // namespace numpool::detail
