// The bar that shows which numbers of a pool are taken, and which are not given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace numpool::cli {

enum class bar_style { ascii, blocks };

enum class bar_number : std::uint8_t {
  free,
  taken,
  withheld,  ///< nobody has it, and nobody is given it: it rests or is out of service
};

/// Draws numbers, in order, between brackets, in at most `width` cells (width >= 1).  With more
/// numbers than cells each cell stands for the same count of numbers, the last perhaps for fewer:
/// some free and none taken, partly taken, wholly taken, or none taken and all withheld.  ASCII:
/// `.` `+` `#` `x`.
std::string draw_bar(const std::vector<bar_number>& numbers, std::size_t width, bar_style style);

/// Numbers that one cell of such a bar stands for.
std::size_t bar_step(std::size_t size, std::size_t width);

/// Blocks where the locale's character set is UTF-8, else ASCII.  Reads the locale, which the
/// caller has set.
bar_style bar_style_of_locale();

}  // namespace numpool::cli
