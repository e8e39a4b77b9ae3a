// The server's clock that nobody sets, and that is the same for all of its processes.
#pragma once

#include <time.h>

#include <cstdint>

namespace numpool {

// Microseconds.
inline std::int64_t monotonic_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

}  // namespace numpool
