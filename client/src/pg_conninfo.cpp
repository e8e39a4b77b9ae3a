#include "pg_conninfo.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <numpool/error.hpp>
#include <numpool/options.hpp>

namespace numpool {

std::string v1::default_conninfo() {
  const char* url = std::getenv("DATABASE_URL");
  return url != nullptr ? url : "";
}

namespace detail {

// A silent peer is probed after 5 s and then every 2 s. Linux gives it up at the first probe after
// the user timeout, if one is set, whatever the count: at 13 s, and at 17 s if it were 15 s. What
// is sent and not acknowledged is given up after the user timeout.
#define NUMPOOL_SERVER_KEEPALIVES(local)                                             \
  "SELECT pg_catalog.set_config(s.name, v.value, " local                             \
  ")"                                                                                \
  " FROM (VALUES ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'),"    \
  " ('tcp_keepalives_count', '4'), ('tcp_user_timeout', '12000')) AS v(name, value)" \
  " JOIN pg_catalog.pg_settings s ON s.name = v.name WHERE s.source <> 'client'"

const char kServerKeepalives[] = NUMPOOL_SERVER_KEEPALIVES("false");
const char kServerKeepalivesHere[] = NUMPOOL_SERVER_KEEPALIVES("true");

#define NUMPOOL_NO_TIME_LIMITS(local)                                            \
  "SELECT pg_catalog.set_config(name, '0', " local                               \
  ") FROM pg_catalog.pg_settings"                                                \
  " WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout'," \
  " 'idle_in_transaction_session_timeout', 'transaction_timeout') AND setting <> '0'"

const char kNoTimeLimits[] = NUMPOOL_NO_TIME_LIMITS("false");
const char kNoTimeLimitsHere[] = NUMPOOL_NO_TIME_LIMITS("true");

connection_parameters::connection_parameters(const std::string& conninfo) {
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(conninfo.c_str(), &message), PQconninfoFree);
  if (!parsed) {
    std::string text = message != nullptr ? message : "out of memory";
    PQfreemem(message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    throw error(error_kind::invalid_value, "invalid connection string: " + text);
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
  set_default("tcp_user_timeout", "12000");
  // Ids and metadata are UTF-8, as the rest of a C++ program usually is.
  if (std::getenv("PGCLIENTENCODING") == nullptr) set_default("client_encoding", "UTF8");

  take_hosts_from_environment();
  // Of several hosts the one that takes writes; a standby would refuse every lease.
  if (host_count() > 1 && std::getenv("PGTARGETSESSIONATTRS") == nullptr)
    set_default("target_session_attrs", PQlibVersion() >= 140000 ? "primary" : "read-write");
  point();
}

connection_parameters::connection_parameters(const connection_parameters& other)
    : keywords_(other.keywords_), values_(other.values_) {
  point();
}

void connection_parameters::point() {
  const auto point_to = [](std::vector<const char*>& pointers,
                           const std::vector<std::string>& texts) {
    pointers.clear();
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
  };
  point_to(pointers_[0], keywords_);
  point_to(pointers_[1], values_);
}

const std::string* connection_parameters::find(const char* keyword) const {
  const auto found = std::find(keywords_.begin(), keywords_.end(), keyword);
  return found == keywords_.end() ? nullptr : &values_[found - keywords_.begin()];
}

void connection_parameters::set_default(const char* keyword, const char* value) {
  if (find(keyword) != nullptr) return;
  keywords_.emplace_back(keyword);
  values_.emplace_back(value);
}

/// So that drop_host() knows them. A service has a say before the environment: then it is libpq's.
void connection_parameters::take_hosts_from_environment() {
  if (find("service") != nullptr || std::getenv("PGSERVICE") != nullptr) return;
  constexpr const char* kVariables[][2] = {
      {"host", "PGHOST"}, {"hostaddr", "PGHOSTADDR"}, {"port", "PGPORT"}};
  for (const auto& variable : kVariables)
    if (const char* value = std::getenv(variable[1])) set_default(variable[0], value);
}

std::vector<std::string> connection_parameters::list(const char* keyword) const {
  std::vector<std::string> out;
  const std::string* text = find(keyword);
  if (text == nullptr) return out;
  for (std::size_t begin = 0; begin <= text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    out.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::size_t connection_parameters::host_count() const {
  return std::max(list("host").size(), list("hostaddr").size());
}

std::optional<std::chrono::seconds> connection_parameters::connect_timeout() const {
  const std::string* text = find("connect_timeout");
  const char* variable = std::getenv("PGCONNECT_TIMEOUT");
  if (text == nullptr && variable == nullptr) return std::nullopt;
  const int seconds = std::atoi(text != nullptr ? text->c_str() : variable);
  if (seconds <= 0) return std::nullopt;
  return std::chrono::seconds(std::max(seconds, 2));
}

bool connection_parameters::wants_primary() const {
  if (host_count() < 2) return false;
  const std::string* text = find("target_session_attrs");
  const char* variable = std::getenv("PGTARGETSESSIONATTRS");
  const std::string wanted = text != nullptr ? *text : variable != nullptr ? variable : "any";
  return wanted == "any" || wanted == "primary" || wanted == "read-write";
}

/// One that has no name goes by its address. One port, or none, is for all hosts.
std::optional<std::size_t> connection_parameters::find_host(const std::string& host,
                                                            const std::string& port) const {
  const auto names = list("host"), addresses = list("hostaddr"), ports = list("port");
  for (std::size_t at = 0; at < host_count(); ++at) {
    std::string name = at < names.size() ? names[at] : "";
    if (name.empty() && at < addresses.size()) name = addresses[at];
    if (name == host && (ports.size() < 2 || ports[at] == port)) return at;
  }
  return std::nullopt;
}

/// Leaves the hosts of `order`, in that order.
void connection_parameters::reorder_hosts(const std::vector<std::size_t>& order) {
  for (const char* keyword : {"host", "hostaddr", "port"}) {
    const auto old = list(keyword);
    if (old.size() < 2) continue;
    std::string rest;
    for (std::size_t i = 0; i < order.size(); ++i) rest += (i == 0 ? "" : ",") + old[order[i]];
    values_[std::find(keywords_.begin(), keywords_.end(), keyword) - keywords_.begin()] = rest;
  }
  point();
}

bool connection_parameters::drop_host(const std::string& host, const std::string& port) {
  const auto at = find_host(host, port);
  if (!at) return false;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < host_count(); ++i)
    if (i != *at) order.push_back(i);
  reorder_hosts(order);
  return true;
}

void connection_parameters::keep_host(const std::string& host, const std::string& port) {
  if (const auto at = find_host(host, port)) reorder_hosts({*at});
}

void connection_parameters::begin_after_host(const std::string& host, const std::string& port) {
  const auto at = find_host(host, port);
  if (!at) return;
  std::vector<std::size_t> order;
  for (std::size_t i = 1; i <= host_count(); ++i) order.push_back((*at + i) % host_count());
  reorder_hosts(order);
}

}  // namespace detail
}  // namespace numpool
