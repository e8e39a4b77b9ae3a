// The figures as JSON, for the page and for programs.
#pragma once

#include <string>

#include "figures.hpp"

namespace numpool::exporter {

std::string pools_json(const all_figures& figures);

/// With `names`: who the holders and waiters are.
std::string pool_json(const pool_figures& pool, const pool_detail& detail, bool names);

std::string error_json(const std::string& message);

}  // namespace numpool::exporter
