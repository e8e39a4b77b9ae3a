// Durations as the command line takes and shows them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace numpool::cli {

/// The longest duration accepted: 365 days.
constexpr std::chrono::milliseconds kMaxDuration = std::chrono::hours(24 * 365);

/// Reads a number followed by a unit: `500ms`, `5s`, `2m`, `1h`.  Without a unit the number means
/// seconds.  A fraction is allowed (`1.5s`) as long as the result is a whole number of
/// milliseconds.  No sign, no blanks, no exponent, no sum of several units.
/// Throws std::invalid_argument with a message for the user; any bytes are safe to pass in.
std::chrono::milliseconds parse_duration(std::string_view text);

/// At most two units, the largest first: `850ms`, `5s`, `2m 3s`, `1h 0m`, `3d 4h`.
/// A negative duration (a clock that stepped back) is shown as `0ms`.
std::string format_duration(std::chrono::milliseconds value);

}  // namespace numpool::cli
