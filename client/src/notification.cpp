#include "notification.hpp"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace numpool::detail {

namespace {

using nlohmann::json;

bool read_into(const json& value, std::optional<std::int64_t>* member) {
  if (!value.is_number_integer()) return false;
  // What is above the range of int64 is an unsigned number here.
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX})
    return false;
  *member = value.get<std::int64_t>();
  return true;
}

bool read_into(const json& value, std::optional<std::string>* member) {
  if (!value.is_string()) return false;
  *member = value.get<std::string>();
  return true;
}

bool read_member(const std::string& name, const json& value, notification* out) {
  if (name == "ticket") return read_into(value, &out->ticket);
  if (name == "pool") return read_into(value, &out->pool);
  if (name == "index") return read_into(value, &out->index);
  if (name == "fence") return read_into(value, &out->fence);
  if (name == "error") return read_into(value, &out->error);
  return value.is_primitive() && !value.is_number_float();
}

}  // namespace

std::optional<notification> parse_notification(std::string_view text) {
  std::set<std::string> names;
  bool repeated = false;
  const auto note = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && !names.insert(parsed.get<std::string>()).second)
      repeated = true;
    return true;
  };
  const json whole = json::parse(text.begin(), text.end(), note, /*allow_exceptions=*/false);
  if (!whole.is_object() || repeated) return std::nullopt;
  notification out;
  for (const auto& [name, value] : whole.items())
    if (!read_member(name, value, &out)) return std::nullopt;
  return out;
}

}  // namespace numpool::detail
