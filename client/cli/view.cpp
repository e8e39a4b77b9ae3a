#include "view.hpp"

#include <algorithm>

#include "access.hpp"

namespace numpool::cli {
namespace {

std::vector<bool> taken_of(const pool_status& pool, const std::vector<lease_info>& leases) {
  std::vector<bool> taken(static_cast<std::size_t>(std::max(pool.size, 0)));
  for (const lease_info& lease : leases) {
    const auto index = static_cast<std::size_t>(lease.index);
    if (lease.index >= 0 && index < taken.size()) taken[index] = true;
  }
  return taken;
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
    if (status.in_use > 0) {
      try {
        view.leases = server.open(status.pool).leases();
      } catch (const no_such_pool_error&) {
        continue;  // dropped since
      }
    }
    view.taken = taken_of(status, view.leases);
    view.pool = std::move(status);
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
  view.taken = taken_of(view.pool, view.leases);
  return view;
}

}  // namespace numpool::cli
