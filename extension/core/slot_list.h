// A list of numbers of a pool, first in, first out, which lies in their slots: it takes no memory
// of its own. A number is in one list at most, and only while nobody holds it.
#pragma once

#include <cstdint>

namespace numpool {

// All zero: empty.
struct SlotList {
  static constexpr std::uint32_t kNone = 0;
  // The ends, as index + 1; kNone in an empty list.
  std::uint32_t first_plus_one;
  std::uint32_t last_plus_one;

  bool empty() const noexcept { return first_plus_one == kNone; }
  // Not when empty.
  std::uint32_t first() const noexcept { return first_plus_one - 1; }
  std::uint32_t last() const noexcept { return last_plus_one - 1; }
};

}  // namespace numpool
