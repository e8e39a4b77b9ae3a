#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/bar.hpp"

using namespace numpool::cli;

namespace {

std::string ascii(const std::string& taken, std::size_t width) {
  std::vector<bool> bits;
  for (char c : taken) bits.push_back(c == '1');
  return draw_bar(bits, width, bar_style::ascii);
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
      const std::string bar = draw_bar(std::vector<bool>(size), width, bar_style::ascii);
      CAPTURE(size);
      CAPTURE(width);
      REQUIRE(bar.size() - 2 <= width);
      REQUIRE(bar.size() > 2);
    }
  }
}

TEST_CASE("blocks in a UTF-8 locale") {
  CHECK(draw_bar({true, false}, 8, bar_style::blocks) == "[\u2588\u00B7]");
  CHECK(draw_bar({true, false}, 1, bar_style::blocks) == "[\u2592]");
}
