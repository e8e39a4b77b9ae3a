#include "json.hpp"

#include <cstdio>
#include <ctime>

#include <nlohmann/json.hpp>

namespace numpool::cli {

std::string json_string(std::string_view text) {
  using nlohmann::json;
  // What is no UTF-8 becomes U+FFFD. DEL may stand in JSON, but not on somebody's terminal.
  std::string out = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  for (std::size_t at; (at = out.find('\x7f')) != std::string::npos;) out.replace(at, 1, "\\u007f");
  return out;
}

std::string json_array(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + json_string(text);
  return "[" + out + "]";
}

std::string json_time(std::chrono::system_clock::time_point when) {
  using std::chrono::microseconds;
  const auto us = std::chrono::duration_cast<microseconds>(when.time_since_epoch()).count();
  if (us == 0) return "null";
  const std::time_t seconds = static_cast<std::time_t>(us / 1000000 - (us % 1000000 < 0 ? 1 : 0));
  const long fraction = static_cast<long>(us - static_cast<std::int64_t>(seconds) * 1000000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32];
  if (std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0) return "null";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "\"%s.%06ldZ\"", date, fraction);
  return buffer;
}

json_object& json_object::raw(const char* key, const std::string& json) {
  if (!body_.empty()) body_ += ", ";
  body_ += json_string(key) + ": " + json;
  return *this;
}

}  // namespace numpool::cli
