#include "duration.hpp"

#include <cstdint>
#include <stdexcept>

#include "text.hpp"

namespace numpool::cli {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the front of `text` off it.
std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

[[noreturn]] void reject(std::string_view text, const char* why) {
  throw std::invalid_argument("\"" + printable(text) + "\" is not a duration: " + why);
}

/// Milliseconds in a unit, 0 for an unknown one.
std::int64_t unit_length(std::string_view unit) {
  if (unit.empty() || unit == "s") return 1000;
  if (unit == "ms") return 1;
  if (unit == "m") return std::int64_t{60} * 1000;
  if (unit == "h") return std::int64_t{60} * 60 * 1000;
  return 0;
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  std::string_view rest = text;
  const std::string_view whole = take_digits(rest);
  std::string_view fraction;
  if (whole.empty()) reject(text, "give a number and ms, s, m or h, such as 500ms or 2m");
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    if (fraction.empty()) reject(text, "a digit must follow the point");
  }
  const std::int64_t unit = unit_length(rest);
  if (unit == 0) reject(text, "the unit must be ms, s, m or h");

  const std::int64_t limit = kMaxDuration.count();
  std::int64_t total = 0;
  for (char c : whole) {
    total = total * 10 + (c - '0');
    if (total > limit / unit) reject(text, "it is longer than 365 days");
  }
  total *= unit;
  // A digit of the fraction is worth unit / 10, the next unit / 100, and so on: `part` is that
  // worth times the digit, and must not fall below a millisecond.
  std::int64_t worth = unit;
  for (char c : fraction) {
    if (c == '0') {
      worth = worth % 10 == 0 ? worth / 10 : 0;
      continue;
    }
    if (worth % 10 != 0 || worth == 0) reject(text, "it is finer than a millisecond");
    worth /= 10;
    total += worth * (c - '0');
  }
  if (total > limit) reject(text, "it is longer than 365 days");
  return std::chrono::milliseconds(total);
}

std::string format_duration(std::chrono::milliseconds value) {
  const std::int64_t ms = value.count() > 0 ? value.count() : 0;
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t s = ms / 1000;
  const auto pair = [](std::int64_t big, const char* b, std::int64_t small, const char* c) {
    return std::to_string(big) + b + " " + std::to_string(small) + c;
  };
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3600) return pair(s / 60, "m", s % 60, "s");
  if (s < 86400) return pair(s / 3600, "h", s % 3600 / 60, "m");
  return pair(s / 86400, "d", s % 86400 / 3600, "h");
}

}  // namespace numpool::cli
