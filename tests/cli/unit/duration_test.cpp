#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

#include "cli/duration.hpp"

using namespace numpool::cli;

namespace {

std::int64_t parse(const std::string& text) {
  return parse_duration(text).count();
}

std::string message_for(const std::string& text) {
  try {
    return "accepted: " + std::to_string(parse(text));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
}

std::string show(std::int64_t ms) {
  return format_duration(std::chrono::milliseconds(ms));
}

}  // namespace

TEST_CASE("durations that are accepted") {
  const struct {
    const char* text;
    std::int64_t ms;
  } cases[] = {
      {"500ms", 500},
      {"5s", 5000},
      {"2m", 120000},
      {"1h", 3600000},
      {"7", 7000},
      {"0", 0},
      {"0ms", 0},
      {"0h", 0},
      {"1.5s", 1500},
      {"1.5", 1500},
      {"0.25h", 900000},
      {"2.0ms", 2},
      {"0.001", 1},
      {"0.0010", 1},
      {"0.5m", 30000},
      {"007s", 7000},
      {"8760h", 31536000000},
      {"31536000", 31536000000},
      {"1.000000000000s", 1000},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(parse(c.text) == c.ms);
  }
}

TEST_CASE("durations that are refused, and why") {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"", "give a number"},
      {"s", "give a number"},
      {"-5s", "give a number"},
      {"+5s", "give a number"},
      {" 5s", "give a number"},
      {".5s", "give a number"},
      {"5 s", "the unit"},
      {"5s ", "the unit"},
      {"5d", "the unit"},
      {"5S", "the unit"},
      {"5sec", "the unit"},
      {"1h30m", "the unit"},
      {"1e3", "the unit"},
      {"0x10", "the unit"},
      {"5,5s", "the unit"},
      {"5.s", "a digit"},
      {"5.", "a digit"},
      {"1.5.5s", "the unit"},
      {"0.5ms", "finer"},
      {"0.0001s", "finer"},
      {"1.0001", "finer"},
      {"8761h", "365 days"},
      {"31536001", "365 days"},
      {"8760.5h", "365 days"},
      {"99999999999999999999", "365 days"},
      {"99999999999999999999h", "365 days"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const std::string message = message_for(c.text);
    CAPTURE(message);
    CHECK(message.find(c.why) != std::string::npos);
    CHECK(message.find("\"" + std::string(c.text) + "\"") == 0);
  }
}

TEST_CASE("any bytes are refused or parsed into the range, never worse") {
  std::mt19937 random(20260);
  const std::string alphabet("0123456789.mshs \t-+e\0\xff\x80", 24);
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (unsigned n = random() % 8; n > 0; --n) text += alphabet[random() % alphabet.size()];
    try {
      const auto value = parse_duration(text);
      ++accepted;
      CHECK(value.count() >= 0);
      CHECK(value <= kMaxDuration);
    } catch (const std::invalid_argument&) {
      // As it should.
    }
  }
  CHECK(accepted > 1000);
}

TEST_CASE("durations as they are shown") {
  CHECK(show(-1) == "0ms");
  CHECK(show(0) == "0ms");
  CHECK(show(999) == "999ms");
  CHECK(show(1000) == "1s");
  CHECK(show(59999) == "59s");
  CHECK(show(60000) == "1m 0s");
  CHECK(show(123000) == "2m 3s");
  CHECK(show(3600000) == "1h 0m");
  CHECK(show(86399999) == "23h 59m");
  CHECK(show(90000000) == "1d 1h");
}
