// numpool grant, revoke, owner and configure: who may do what with a pool, and its settings.
#include <nlohmann/json.hpp>

#include "access.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "operating_calls.hpp"
#include "patience.hpp"
#include "text.hpp"

namespace numpool::cli {
namespace {

/// What `call` does for all roles together: all of them, or none.
int change_users(const arguments& args, void (*call)(detail::engine&, const std::string&,
                                                     const std::vector<std::string>&)) {
  pool_status status;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    call(detail::access::engine_of(server), *args.pool, args.words);
    if (args.json) status = server.open(*args.pool).status();
  });
  if (args.json) {
    json_object outcome;
    outcome.add("pool", *args.pool).raw("users", json_array(status.users));
    print(outcome.str() + "\n");
  }
  return kSuccess;
}

bool is_integer(const std::string& text) {
  const std::size_t sign = text.compare(0, 1, "-") == 0 ? 1 : 0;
  return text.size() > sign && text.size() < 10 &&
         text.find_first_not_of("0123456789", sign) == std::string::npos;
}

/// A setting's value as the server wants it: times are strings, also where they are digits only.
std::string value_json(const std::string& key, const std::string& text) {
  if (text == "default" || text == "null") return "null";
  if (text == "true" || text == "false") return text;
  const bool counts = key == "max_count" || key == "priority_limit";
  return counts && is_integer(text) ? std::to_string(std::stoi(text)) : json_string(text);
}

/// The words are pairs of a key and its value.
std::string settings_json(const std::vector<std::string>& words) {
  json_object settings;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2)
    settings.raw(words[i].c_str(), value_json(words[i], words[i + 1]));
  return settings.str();
}

std::string settings_text(const std::string& settings) {
  table rows({{"SETTING"}, {"VALUE"}});
  const auto all = nlohmann::json::parse(settings);
  for (const auto& [key, value] : all.items()) {
    rows.add({printable(key), value.is_null()     ? "none"
                              : value.is_string() ? printable(value.get<std::string>())
                                                  : printable(value.dump())});
  }
  return rows.str();
}

}  // namespace

int run_grant(const arguments& args) {
  return change_users(args, detail::grant);
}

int run_revoke(const arguments& args) {
  return change_users(args, detail::revoke);
}

int run_owner(const arguments& args) {
  std::string owner;
  // Who has given a pool away may not do it again.
  const auto how = args.role ? repeat::not_in_doubt : repeat::may_be_in_doubt;
  with_server(args, how, [&](client& server) {
    if (args.role)
      detail::set_owner(detail::access::engine_of(server), *args.pool, owner = *args.role);
    else
      owner = server.open(*args.pool).status().owner.value_or("?");
  });
  if (args.json) {
    json_object outcome;
    outcome.add("pool", *args.pool).add("owner", owner);
    print(outcome.str() + "\n");
  } else if (!args.role) {
    print(printable(owner) + "\n");
  }
  return kSuccess;
}

int run_configure(const arguments& args) {
  std::string settings;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    detail::engine& engine = detail::access::engine_of(server);
    settings = args.words.empty()
                   ? detail::settings(engine, *args.pool)
                   : detail::configure(engine, *args.pool, settings_json(args.words));
  });
  if (args.json) {
    json_object outcome;
    outcome.add("pool", *args.pool).raw("settings", settings);
    print(outcome.str() + "\n");
  } else if (args.words.empty()) {
    print(settings_text(settings));
  }
  return kSuccess;
}

}  // namespace numpool::cli
