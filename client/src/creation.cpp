#include "creation.hpp"

#include <nlohmann/json.hpp>

#include "engine.hpp"

namespace numpool::detail {

namespace {

constexpr statement kCreate{"SELECT {}numpool_create($1, $2, $3, $4, $5)"};

}  // namespace

bool create_pool(engine& at, const std::string& name, const creation& what, bool if_not_exists) {
  const char* accepts = if_not_exists ? "true" : "false";
  return at.call(kCreate, {name, what.size, what.metadata, accepts, what.settings}).at(0).at(0) ==
         "t";
}

bool are_ephemeral(const std::optional<std::string>& settings) {
  if (!settings) return false;
  // The server says what is wrong with them.
  const auto json = nlohmann::json::parse(*settings, nullptr, false);
  if (!json.is_object()) return false;
  const auto found = json.find("ephemeral");
  return found != json.end() && !found->is_null() && *found != false;
}

}  // namespace numpool::detail
