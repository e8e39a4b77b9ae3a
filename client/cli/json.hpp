// Writing JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace numpool::cli {

/// `text` (UTF-8) as a JSON string, quotes included.
std::string json_string(std::string_view text);

/// An array of JSON strings.
std::string json_array(const std::vector<std::string>& texts);

/// UTC in ISO 8601 with microseconds, as a JSON string; null for the epoch, which means "never".
std::string json_time(std::chrono::system_clock::time_point when);

/// An object under construction.
class json_object {
 public:
  json_object& add(const char* key, std::string_view text) { return raw(key, json_string(text)); }
  json_object& add(const char* key, const char* text) { return raw(key, json_string(text)); }
  json_object& add(const char* key, std::int64_t n) { return raw(key, std::to_string(n)); }
  json_object& add(const char* key, int n) { return raw(key, std::to_string(n)); }
  json_object& optional(const char* key, const std::optional<std::string>& text) {
    return raw(key, text ? json_string(*text) : "null");
  }
  /// `json` is JSON already.
  json_object& raw(const char* key, const std::string& json);
  std::string str() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

}  // namespace numpool::cli
