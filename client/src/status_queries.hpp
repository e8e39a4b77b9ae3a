#pragma once

#include <string>
#include <vector>

#include <numpool/error.hpp>
#include <numpool/status.hpp>

#include "engine.hpp"

namespace numpool::detail {

/// At most one: the pool of that id.
std::vector<pool_status> pool_statuses(engine& from, const std::string& id);
std::vector<pool_status> pool_statuses_by_prefix(engine& from, const std::string& prefix);
std::vector<lease_info> lease_infos(engine& from, const std::string& id);
std::vector<waiter_info> waiter_infos(engine& from, const std::string& id);

/// Returns the old size.
int resize(engine& at, const std::string& id, int size);

error no_such_pool(const std::string& id);

}  // namespace numpool::detail
