#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/bar.hpp"

using namespace numpool::cli;

namespace {

// A letter a number: 0 free, 1 taken, x withheld.
std::string ascii(const std::string& text, std::size_t width) {
  std::vector<bar_number> numbers;
  for (char c : text)
    numbers.push_back(c == '1'   ? bar_number::taken
                      : c == 'x' ? bar_number::withheld
                                 : bar_number::free);
  return draw_bar(numbers, width, bar_style::ascii);
}

}  // namespace

TEST_CASE("a cell a number while they fit") {
  CHECK(ascii("", 8) == "[]");
  CHECK(ascii("0", 8) == "[.]");
  CHECK(ascii("1", 1) == "[#]");
  CHECK(ascii("1010", 8) == "[#.#.]");
  CHECK(ascii("10101010", 8) == "[#.#.#.#.]");
}

TEST_CASE("several numbers a cell when they do not") {
  CHECK(ascii("110100000", 8) == "[#+...]");
  CHECK(ascii("111111111", 8) == "[#####]");
  CHECK(ascii("000000001", 8) == "[....#]");
  CHECK(ascii("000000000", 1) == "[.]");
  CHECK(ascii("000000001", 1) == "[+]");
  CHECK(bar_step(8, 8) == 1);
  CHECK(bar_step(9, 8) == 2);
  CHECK(bar_step(65536, 64) == 1024);
}

TEST_CASE("a bar is never wider than asked for") {
  for (std::size_t size = 1; size < 300; ++size) {
    for (std::size_t width = 1; width < 70; ++width) {
      const std::string bar = draw_bar(std::vector<bar_number>(size), width, bar_style::ascii);
      CAPTURE(size);
      CAPTURE(width);
      REQUIRE(bar.size() - 2 <= width);
      REQUIRE(bar.size() > 2);
    }
  }
}

TEST_CASE("what is withheld is not free") {
  CHECK(ascii("1x0", 8) == "[#x.]");
  CHECK(ascii("xxx0x1111x", 5) == "[x.+#+]");
}

TEST_CASE("blocks in a UTF-8 locale") {
  const std::vector<bar_number> numbers = {bar_number::taken, bar_number::free,
                                           bar_number::withheld};
  CHECK(draw_bar(numbers, 8, bar_style::blocks) == "[\u2588\u00B7\u00D7]");
  CHECK(draw_bar(numbers, 1, bar_style::blocks) == "[\u2592]");
}
