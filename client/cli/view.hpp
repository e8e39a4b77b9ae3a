// What `status` and `top` show: a pool's state, fetched, and drawn as text or JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <numpool/client.hpp>

#include "bar.hpp"
#include "operating_calls.hpp"

namespace numpool::cli {

/// One pool.  The parts come from separate calls, so they may be of slightly different moments.
struct pool_view {
  pool_status pool;
  std::vector<bar_number> numbers;  ///< by index
  std::vector<lease_info> leases;
  std::vector<waiter_info> waiters;
  /// Numbers that rest and, unless the whole pool is drained, those that are out of service.
  std::vector<detail::slot_info> kept_back;
};

/// How to draw.
struct view_format {
  std::size_t width = 80;  ///< columns, for the bar; text is not cut to it
  bar_style style = bar_style::ascii;
};

/// What to say first where the server is a standby; empty elsewhere.
std::string standby_notice(client& server);

/// All pools, without their waiters; leases and what is kept back only as far as the bars need
/// them.
std::vector<pool_view> fetch_overview(client& server);

/// One pool with holders and queue.  Throws numpool::error if there is no such pool.
pool_view fetch_pool(client& server, const std::string& name);

/// A table, a pool a line; a sentence if there are none.
std::string overview_text(const std::vector<pool_view>& pools, const view_format& format);

/// Counts, bar, roles, metadata, counters, holders, queue and numbers that are not given of a pool.
std::string pool_text(const pool_view& view, const view_format& format);

/// An array of objects, one a pool.
std::string overview_json(const std::vector<pool_view>& pools);

/// An object as in overview_json(), with "leases", "waiters" and "kept_back" added.
std::string pool_json(const pool_view& view);

}  // namespace numpool::cli
