#include <doctest/doctest.h>

#include "cli/json.hpp"
#include "cli/screen.hpp"
#include "cli/text.hpp"

using namespace numpool::cli;

TEST_CASE("control characters are shown, not obeyed") {
  CHECK(printable("gpu") == "gpu");
  CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(printable("\033[2J") == "\\x1b[2J");
  CHECK(printable("\x7f") == "\\x7f");
  CHECK(printable("back\\slash") == "back\\\\slash");
  CHECK(printable("\u00fc \u4e2d") == "\u00fc \u4e2d");
  CHECK(printable("\xc2\x9b") == "\\x9b");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("widths count characters, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\u00fc\u4e2d") == 2);
  CHECK(shorten("abcdef", 6) == "abcdef");
  CHECK(shorten("abcdef", 4) == "abc~");
  CHECK(shorten("\u00fc\u00fc\u00fc", 2) == "\u00fc~");
  CHECK(shorten("abc", 0).empty());
  CHECK(shorten("abc", 1) == "~");
}

TEST_CASE("tables align their columns") {
  table t({{"NAME"}, {"N", table::align::right}, {"REST"}});
  CHECK(t.str() == "NAME  N  REST\n");
  t.add({"a", "10", ""});
  t.add({"\u00fclonger", "2", "x"});
  CHECK(t.str() ==
        "NAME      N  REST\n"
        "a        10\n"
        "\u00fclonger   2  x\n");
}

TEST_CASE("a screenful is cut to the screen") {
  CHECK(screen_text("abc\ndef\nghi\n", 2, 80) == "abc\033[K\r\ndef\033[K");
  CHECK(screen_text("abcdef\n", 5, 4) == "abc~\033[K");
  CHECK(screen_text("", 5, 4).empty());
}

TEST_CASE("JSON strings") {
  CHECK(json_string("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(json_string("\n\t\x01\x7f") == "\"\\n\\t\\u0001\\u007f\"");
  CHECK(json_string("\u00fc") == "\"\u00fc\"");
}

TEST_CASE("JSON times") {
  using std::chrono::microseconds;
  using std::chrono::system_clock;
  const system_clock::time_point epoch{};
  CHECK(json_time(epoch) == "null");
  CHECK(json_time(epoch + microseconds(1700000000123456)) == "\"2023-11-14T22:13:20.123456Z\"");
  CHECK(json_time(epoch - microseconds(1)) == "\"1969-12-31T23:59:59.999999Z\"");
}

TEST_CASE("JSON objects") {
  CHECK(json_object().str() == "{}");
  CHECK(json_object().add("a", 1).optional("b", std::nullopt).raw("c", "[1]").str() ==
        "{\"a\": 1, \"b\": null, \"c\": [1]}");
}
