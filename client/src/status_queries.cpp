#include "status_queries.hpp"

#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>

#include "pg_columns.hpp"

namespace numpool::detail {

namespace {

#define NUMPOOL_POOLS \
  "SELECT pool, size, in_use, free, waiting, metadata, grants, handoffs,"                         \
  " timeouts, cancels, deadlocks, " NUMPOOL_MICROSECONDS("wait_total") ", " NUMPOOL_MICROSECONDS( \
      "wait_longest") ", " NUMPOOL_MICROSECONDS("counting_since") ", timed, expired, out_of_service, drained, resting, owner," \
  " pg_catalog.to_jsonb(users) FROM {}numpool_pools WHERE "

constexpr statement kPool{NUMPOOL_POOLS "pool = $1"};
constexpr statement kPools{NUMPOOL_POOLS "pg_catalog.starts_with(pool, $1) ORDER BY pool"};

constexpr statement kLeases{
    "SELECT pool, index, fence, pid, usename, application_name, pg_catalog.host(client_addr),"
    " scope, state, " NUMPOOL_MICROSECONDS("acquired_at") ", "
    NUMPOOL_MICROSECONDS("pg_catalog.clock_timestamp() - acquired_at") ", holder, "
    NUMPOOL_MICROSECONDS("expires_at - pg_catalog.clock_timestamp()") ", token, in_service"
    " FROM {}numpool_leases WHERE pool = $1 ORDER BY index"};

constexpr statement kWaiters{
    "SELECT pool, position, ticket, pid, usename, application_name, kind, "
    NUMPOOL_MICROSECONDS("since") ", "
    NUMPOOL_MICROSECONDS("pg_catalog.clock_timestamp() - since") ", holder, "
    NUMPOOL_MICROSECONDS("expires_at - pg_catalog.clock_timestamp()") ", token"
    " FROM {}numpool_waiters WHERE pool = $1 ORDER BY position"};

constexpr statement kResize{"SELECT {}numpool_resize($1, $2)"};

std::vector<pool_status> statuses(rows from) {
  std::vector<pool_status> out;
  out.reserve(from.size());
  for (row& one : from) {
    columns next(one);
    pool_status& status = out.emplace_back();
    status.pool = next.text_or_empty();
    status.size = next.small();
    const auto in_use = next.optional_integer();
    status.live = in_use.has_value();
    status.in_use = static_cast<int>(in_use.value_or(0));
    status.free = next.small();
    status.waiting = next.small();
    status.metadata = next.text();
    status.grants = next.integer();
    status.handoffs = next.integer();
    status.timeouts = next.integer();
    status.cancels = next.integer();
    status.deadlocks = next.integer();
    status.wait_total = next.duration();
    status.wait_longest = next.duration();
    status.counting_since = next.time();
    status.timed = next.integer();
    status.expired = next.integer();
    status.out_of_service = next.small();
    status.drained = next.text() == "t";
    status.resting = next.small();
    status.owner = next.text();
    status.users =
        nlohmann::json::parse(next.text().value_or("[]")).get<std::vector<std::string>>();
  }
  return out;
}

}  // namespace

std::vector<pool_status> pool_statuses(engine& from, const std::string& name) {
  return statuses(from.call(kPool, {name}));
}

std::vector<pool_status> pool_statuses_by_prefix(engine& from, const std::string& prefix) {
  return statuses(from.call(kPools, {prefix}));
}

std::vector<lease_info> lease_infos(engine& from, const std::string& name) {
  std::vector<lease_info> out;
  for (row& one : from.call(kLeases, {name})) {
    columns next(one);
    lease_info& lease = out.emplace_back();
    lease.pool = next.text_or_empty();
    lease.index = next.small();
    lease.fence = next.integer();
    lease.pid = next.small();
    lease.user = next.text();
    lease.application = next.text();
    lease.client_address = next.text();
    lease.scope = next.text_or_empty();
    lease.state = next.text_or_empty();
    lease.acquired_at = next.time();
    lease.held_for = next.duration();
    lease.holder = next.text();
    lease.time_left = next.optional_duration();
    lease.token = next.text();
    lease.in_service = next.text() == "t";
  }
  return out;
}

std::vector<waiter_info> waiter_infos(engine& from, const std::string& name) {
  std::vector<waiter_info> out;
  for (row& one : from.call(kWaiters, {name})) {
    columns next(one);
    waiter_info& waiter = out.emplace_back();
    waiter.pool = next.text_or_empty();
    waiter.position = next.small();
    waiter.ticket = next.optional_integer();
    waiter.pid = next.small();
    waiter.user = next.text();
    waiter.application = next.text();
    waiter.kind = next.text_or_empty();
    waiter.since = next.time();
    waiter.waited_for = next.duration();
    waiter.holder = next.text();
    waiter.time_left = next.optional_duration();
    waiter.token = next.text();
  }
  return out;
}

int resize(engine& at, const std::string& name, int size) {
  const auto answer = at.call(kResize, {name, std::to_string(size)});
  return std::atoi(answer.at(0).at(0).value_or("0").c_str());
}

error no_such_pool(const std::string& name) {
  return error(error_kind::no_such_pool, "pool \"" + name + "\" does not exist");
}

}  // namespace numpool::detail
