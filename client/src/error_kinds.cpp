#include "error_kinds.hpp"

namespace numpool::detail {

namespace {

struct meaning {
  error_kind kind;
  std::string_view sqlstate;
};

/// The first of a kind is what the library gives its own errors.
constexpr meaning kMeanings[] = {
    {error_kind::invalid_value, "22023"},   {error_kind::no_such_pool, "42704"},
    {error_kind::pool_exists, "42710"},     {error_kind::pool_in_use, "55006"},
    {error_kind::would_deadlock, "40P01"},  {error_kind::not_installed, "42883"},
    {error_kind::not_permitted, "42501"},   {error_kind::not_supported, "0A000"},
    {error_kind::cancelled, "57014"},       {error_kind::timed_out, "57014"},
    {error_kind::client_closed, "08003"},   {error_kind::cannot_connect, "08001"},
    {error_kind::connection_lost, "08006"}, {error_kind::server, "XX000"},
};

bool begins_with(std::string_view text, std::string_view what) {
  return text.substr(0, what.size()) == what;
}

/// What passes by itself: conflicts of transactions, locks, limits that others are up against, a
/// server that starts, ends or recovers.
bool passes(std::string_view sqlstate) {
  return begins_with(sqlstate, "40") || begins_with(sqlstate, "53") || sqlstate == "55P03" ||
         sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03";
}

}  // namespace

std::string sqlstate_of(error_kind kind) {
  for (const meaning& one : kMeanings)
    if (one.kind == kind) return std::string(one.sqlstate);
  return "XX000";
}

error_kind kind_of(std::string_view sqlstate) noexcept {
  for (const meaning& one : kMeanings)
    if (one.sqlstate == sqlstate) return one.kind;
  return error_kind::server;
}

bool is_retryable(error_kind kind, std::string_view sqlstate) noexcept {
  switch (kind) {
    case error_kind::connection_lost:
      return true;
    case error_kind::cannot_connect:
      // Without a word of the server: nobody there, or not reached. What it does not give a
      // password, a role or a database it will not give later either.
      return sqlstate == "08001" || sqlstate == "08006" || sqlstate == "25006" ||
             sqlstate == "58P01" || passes(sqlstate);
    case error_kind::would_deadlock:
    case error_kind::server:
      return passes(sqlstate);
    default:
      return false;
  }
}

std::exception_ptr pointer_to(const error& why) {
  try {
    error(why.kind(), why.what(), why.sqlstate(), why.detail(), why.hint()).raise();
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace numpool::detail
