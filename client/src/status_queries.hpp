#pragma once

#include <string>
#include <vector>

#include <numpool/error.hpp>
#include <numpool/status.hpp>

#include "engine.hpp"

namespace numpool::detail {

/// At most one: the pool of that name.
std::vector<pool_status> pool_statuses(engine& from, const std::string& name);
std::vector<pool_status> pool_statuses_by_prefix(engine& from, const std::string& prefix);
std::vector<lease_info> lease_infos(engine& from, const std::string& name);
std::vector<waiter_info> waiter_infos(engine& from, const std::string& name);

/// Returns the old size.
int resize(engine& at, const std::string& name, int size);

error no_such_pool(const std::string& name);

}  // namespace numpool::detail
