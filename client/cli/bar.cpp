#include "bar.hpp"

#include <langinfo.h>

#include <algorithm>
#include <string_view>

namespace numpool::cli {

std::size_t bar_step(std::size_t size, std::size_t width) {
  return size <= width ? 1 : (size + width - 1) / width;
}

std::string draw_bar(const std::vector<bool>& taken, std::size_t width, bar_style style) {
  const bool blocks = style == bar_style::blocks;
  const std::string_view free = blocks ? "\u00B7" : ".";
  const std::string_view part = blocks ? "\u2592" : "+";
  const std::string_view full = blocks ? "\u2588" : "#";
  const std::size_t step = bar_step(taken.size(), width);
  std::string out = "[";
  for (std::size_t begin = 0; begin < taken.size(); begin += step) {
    const std::size_t end = std::min(begin + step, taken.size());
    const auto from = taken.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = taken.begin() + static_cast<std::ptrdiff_t>(end);
    const auto count = static_cast<std::size_t>(std::count(from, to, true));
    out += count == 0 ? free : count == end - begin ? full : part;
  }
  return out + "]";
}

bar_style bar_style_of_locale() {
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8" ? bar_style::blocks : bar_style::ascii;
}

}  // namespace numpool::cli
