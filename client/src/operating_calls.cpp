#include "operating_calls.hpp"

#include <utility>

#include "pg_columns.hpp"
#include "token_calls.hpp"

namespace numpool::detail {

namespace {

constexpr statement kEndLease{"SELECT {}numpool_end_lease($1, $2, $3)"};
constexpr statement kSetService{"SELECT {}numpool_set_service($1, $2, $3, $4)"};
constexpr statement kDrain{"SELECT {}numpool_drain($1, $2, $3)"};
constexpr statement kWaitIdle{"SELECT {}numpool_wait_idle($1, " NUMPOOL_TIME("$2") ")"};

constexpr statement kSettings{"SELECT {}numpool_settings($1)"};
constexpr statement kConfigure{"SELECT {}numpool_configure($1, $2)"};
constexpr statement kGrant{
    "SELECT {}numpool_grant($1, r::pg_catalog.name) FROM pg_catalog.unnest($2::pg_catalog.text[]) "
    "AS r"};
constexpr statement kRevoke{
    "SELECT {}numpool_revoke($1, r::pg_catalog.name) FROM pg_catalog.unnest($2::pg_catalog.text[]) "
    "AS r"};
constexpr statement kSetOwner{"SELECT {}numpool_set_owner($1, $2)"};

#define NUMPOOL_SLOTS \
  "SELECT index, state, " NUMPOOL_MICROSECONDS("pg_catalog.clock_timestamp() - since") ", " \
  NUMPOOL_MICROSECONDS("until - pg_catalog.clock_timestamp()") ", reason, fence, pid, usename," \
  " last_end FROM {}numpool_slots($1) "

constexpr statement kSlots{NUMPOOL_SLOTS "ORDER BY index"};
constexpr statement kKeptBack{
    NUMPOOL_SLOTS "WHERE state = 'resting' OR (state = 'out of service' AND $2) ORDER BY index"};

using values = std::vector<std::optional<std::string>>;

bool is_true(engine& at, const statement& what, values arguments) {
  return at.call(what, std::move(arguments)).at(0).at(0) == "t";
}

const char* text_of(bool value) {
  return value ? "t" : "f";
}

/// An array as the server reads it, its elements in quotes.
std::string array_of(const std::vector<std::string>& elements) {
  std::string out;
  for (const std::string& element : elements) {
    out += out.empty() ? "{\"" : ",\"";
    for (const char c : element) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out.empty() ? "{}" : out + "}";
}

}  // namespace

bool end_lease(engine& at, const std::string& pool, int index, std::optional<std::int64_t> fence) {
  values arguments{pool, std::to_string(index), std::nullopt};
  if (fence) arguments[2] = std::to_string(*fence);
  return is_true(at, kEndLease, std::move(arguments));
}

bool set_service(engine& at, const std::string& pool, int index, bool in_service,
                 const std::optional<std::string>& reason) {
  return is_true(at, kSetService, {pool, std::to_string(index), text_of(in_service), reason});
}

bool drain(engine& at, const std::string& pool, bool drained,
           const std::optional<std::string>& reason) {
  return is_true(at, kDrain, {pool, text_of(drained), reason});
}

bool wait_idle(engine& at, const std::string& pool,
               std::optional<std::chrono::milliseconds> timeout) {
  values arguments{pool, std::nullopt};
  if (timeout) arguments[1] = std::to_string(timeout->count());
  return is_true(at, kWaitIdle, std::move(arguments));
}

std::string settings(engine& at, const std::string& pool) {
  return at.call(kSettings, {pool}).at(0).at(0).value_or("{}");
}

std::string configure(engine& at, const std::string& pool, const std::string& changes) {
  return at.call(kConfigure, {pool, changes}).at(0).at(0).value_or("{}");
}

void grant(engine& at, const std::string& pool, const std::vector<std::string>& roles) {
  at.call(kGrant, {pool, array_of(roles)});
}

void revoke(engine& at, const std::string& pool, const std::vector<std::string>& roles) {
  at.call(kRevoke, {pool, array_of(roles)});
}

void set_owner(engine& at, const std::string& pool, const std::string& role) {
  at.call(kSetOwner, {pool, role});
}

namespace {

std::vector<slot_info> slots_of(rows from) {
  std::vector<slot_info> out;
  for (row& one : from) {
    columns next(one);
    slot_info& slot = out.emplace_back();
    slot.index = next.small();
    slot.state = next.text_or_empty();
    slot.lasted = next.optional_duration();
    slot.time_left = next.optional_duration();
    slot.reason = next.text();
    slot.fence = next.optional_integer();
    slot.pid = next.optional_small();
    slot.user = next.text();
    slot.last_end = next.text();
  }
  return out;
}

}  // namespace

std::vector<slot_info> slots(engine& from, const std::string& pool) {
  return slots_of(from.call(kSlots, {pool}));
}

std::vector<slot_info> kept_back(engine& from, const std::string& pool, bool with_service) {
  return slots_of(from.call(kKeptBack, {pool, text_of(with_service)}));
}

}  // namespace numpool::detail
