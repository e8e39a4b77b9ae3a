#include "view.hpp"

#include <algorithm>

#include "access.hpp"

namespace numpool::cli {
namespace {

std::vector<bar_number> numbers_of(const pool_view& view) {
  const pool_status& p = view.pool;
  const bool keeps_all = p.drained || (p.free == 0 && p.resting + p.out_of_service > 0);
  const bar_number other = keeps_all ? bar_number::withheld : bar_number::free;
  std::vector<bar_number> numbers(static_cast<std::size_t>(std::max(p.size, 0)), other);
  const auto set = [&numbers](int index, bar_number what) {
    const auto at = static_cast<std::size_t>(index);
    if (index >= 0 && at < numbers.size()) numbers[at] = what;
  };
  for (const detail::slot_info& slot : view.kept_back) set(slot.index, bar_number::withheld);
  for (const lease_info& lease : view.leases) set(lease.index, bar_number::taken);
  return numbers;
}

/// Nothing where the definitions are locked: what else there is to see is shown all the same.
std::vector<detail::slot_info> kept_back_of(client& server, const pool_status& pool) {
  if (pool.resting == 0 && (pool.drained || pool.out_of_service == 0)) return {};
  try {
    return detail::kept_back(detail::access::engine_of(server), pool.pool, !pool.drained);
  } catch (const error& e) {
    if (e.sqlstate() != "55P03") throw;
    return {};
  }
}

}  // namespace

std::string standby_notice(client& server) {
  return server.is_standby() ? "This server is a standby: only the primary knows what is leased.\n"
                             : "";
}

std::vector<pool_view> fetch_overview(client& server) {
  std::vector<pool_view> views;
  for (pool_status& status : server.pool_statuses()) {
    pool_view view;
    // Only the holders tell which numbers are taken; an idle pool needs no look at them.
    try {
      if (status.in_use > 0) view.leases = server.open(status.pool).leases();
      // Where none is free, all that nobody holds is kept back.
      if (!status.drained && status.free > 0) view.kept_back = kept_back_of(server, status);
    } catch (const no_such_pool_error&) {
      continue;  // dropped since
    }
    view.pool = std::move(status);
    view.numbers = numbers_of(view);
    views.push_back(std::move(view));
  }
  return views;
}

pool_view fetch_pool(client& server, const std::string& name) {
  const pool handle = server.open(name);
  pool_view view;
  view.pool = handle.status();
  view.leases = handle.leases();
  view.waiters = handle.waiters();
  view.kept_back = kept_back_of(server, view.pool);
  view.numbers = numbers_of(view);
  return view;
}

}  // namespace numpool::cli
