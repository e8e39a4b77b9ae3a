// The clock of deadlines.
#pragma once

#include <chrono>

namespace numpool::exporter {

using steady_time = std::chrono::steady_clock::time_point;

inline steady_time now() {
  return std::chrono::steady_clock::now();
}

}  // namespace numpool::exporter
