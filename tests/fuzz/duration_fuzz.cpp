// Durations of the command line: refused, or within the range, and stable.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cli/duration.hpp"

using namespace numpool::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const auto value = parse_duration(text);
    if (value.count() < 0 || value > kMaxDuration) std::abort();
    if (format_duration(value).empty()) std::abort();
    if (parse_duration(std::to_string(value.count()) + "ms") != value) std::abort();
  } catch (const std::invalid_argument& refused) {
    // It becomes one line on a terminal.
    for (const char* at = refused.what(); *at != '\0'; ++at)
      if (static_cast<unsigned char>(*at) < 0x20) std::abort();
  }
  return 0;
}
