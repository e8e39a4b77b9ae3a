// Numbers of a pool that are out of service: nobody is given them, and who holds one keeps it.
#pragma once

#include <cstdint>

#include "core/region.h"

namespace numpool {

constexpr std::uint32_t kMaxOutOfService = 1000;

struct OutOfService {
  Offset indexes;       // std::uint16_t[count], ascending; 0 where that is none
  std::uint32_t count;  // numbers, which may lie above the size
  bool drained;         // none of the pool's numbers is given
  // There was no memory for the indexes, so it is not known which these are: none is given until
  // somebody brings them.
  bool unknown;

  // Whether no number at all is given.
  bool gives_nothing() const noexcept { return drained || unknown; }
  // Whether that number is among those that are out of service by themselves.
  bool lists(Region region, std::uint32_t index) const noexcept {
    const std::uint16_t* first = region.at<std::uint16_t>(indexes);
    for (std::uint32_t left = count; left != 0;) {
      const std::uint32_t half = left / 2;
      if (first[half] == index) return true;
      if (first[half] < index) {
        first += half + 1;
        left -= half + 1;
      } else {
        left = half;
      }
    }
    return false;
  }
  bool has(Region region, std::uint32_t index) const noexcept {
    return gives_nothing() || lists(region, index);
  }
};

}  // namespace numpool
