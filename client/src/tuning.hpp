#pragma once

#include <chrono>

namespace numpool::detail {

/// What no user turns: tests do, before they make a client.
struct tuning {
  /// The pause before the second attempt to connect; it doubles up to the longest, and a random
  /// part of up to a half is taken off each, so that many clients do not come back in step.
  std::chrono::milliseconds shortest_pause{50};
  std::chrono::milliseconds longest_pause{3000};
};

/// Read when a client is made.
inline tuning tuned;

}  // namespace numpool::detail
