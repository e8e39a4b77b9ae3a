#include "bar.hpp"

#include <langinfo.h>

#include <algorithm>
#include <string_view>

namespace numpool::cli {

std::size_t bar_step(std::size_t size, std::size_t width) {
  return size <= width ? 1 : (size + width - 1) / width;
}

std::string draw_bar(const std::vector<bar_number>& numbers, std::size_t width, bar_style style) {
  const bool blocks = style == bar_style::blocks;
  const std::string_view free = blocks ? "\u00B7" : ".";
  const std::string_view part = blocks ? "\u2592" : "+";
  const std::string_view full = blocks ? "\u2588" : "#";
  const std::string_view none = blocks ? "\u00D7" : "x";
  const std::size_t step = bar_step(numbers.size(), width);
  std::string out = "[";
  for (std::size_t begin = 0; begin < numbers.size(); begin += step) {
    const std::size_t end = std::min(begin + step, numbers.size());
    const auto count = [&](bar_number which) {
      return static_cast<std::size_t>(
          std::count(numbers.begin() + static_cast<std::ptrdiff_t>(begin),
                     numbers.begin() + static_cast<std::ptrdiff_t>(end), which));
    };
    const std::size_t taken = count(bar_number::taken);
    if (taken == end - begin)
      out += full;
    else if (taken > 0)
      out += part;
    else
      out += count(bar_number::free) > 0 ? free : none;
  }
  return out + "]";
}

bar_style bar_style_of_locale() {
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8" ? bar_style::blocks : bar_style::ascii;
}

}  // namespace numpool::cli
