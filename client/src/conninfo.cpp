#include "conninfo.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <numpool/error.hpp>
#include <numpool/options.hpp>

namespace numpool {

std::string default_conninfo() {
  const char* url = std::getenv("DATABASE_URL");
  return url != nullptr ? url : "";
}

namespace detail {

// 5 + 4 * 2 = 13 s until a silent peer is given up; 15 s for data that stays unacknowledged.
const char kServerKeepalives[] =
    "SELECT pg_catalog.set_config(s.name, v.value, false)"
    " FROM (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),"
    " ('tcp_keepalives_count', '4'), ('tcp_user_timeout', '15000')) AS v(name, value)"
    " JOIN pg_catalog.pg_settings s ON s.name = v.name WHERE s.source <> 'client'";

connection_parameters::connection_parameters(const std::string& conninfo) {
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(conninfo.c_str(), &message), PQconninfoFree);
  if (!parsed) {
    std::string text = message != nullptr ? message : "out of memory";
    PQfreemem(message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw error("invalid connection string: " + text, errc::invalid_value);
  }
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    keywords_.emplace_back(option->keyword);
    values_.emplace_back(option->val);
  }
  set_default("fallback_application_name", "numpool");
  set_default("keepalives", "1");
  set_default("keepalives_idle", "5");
  set_default("keepalives_interval", "2");
  set_default("keepalives_count", "4");
  set_default("tcp_user_timeout", "15000");
  // Ids and metadata are UTF-8, as the rest of a C++ program usually is.
  if (std::getenv("PGCLIENTENCODING") == nullptr) set_default("client_encoding", "UTF8");

  for (const std::string& keyword : keywords_) keyword_pointers_.push_back(keyword.c_str());
  for (const std::string& value : values_) value_pointers_.push_back(value.c_str());
  keyword_pointers_.push_back(nullptr);
  value_pointers_.push_back(nullptr);
}

void connection_parameters::set_default(const char* keyword, const char* value) {
  if (std::find(keywords_.begin(), keywords_.end(), keyword) != keywords_.end()) return;
  keywords_.emplace_back(keyword);
  values_.emplace_back(value);
}

}  // namespace detail
}  // namespace numpool
