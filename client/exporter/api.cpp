#include "api.hpp"

#include <iterator>

#include "json.hpp"

namespace numpool::exporter {
namespace {

using cli::json_object;
using number = std::optional<std::int64_t>;

void add(json_object& object, const char* key, const number& value) {
  object.raw(key, value ? std::to_string(*value) : "null");
}

std::string array_of(const std::vector<std::int64_t>& values) {
  std::string out = "[";
  for (const std::int64_t value : values) {
    if (out.size() > 1) out += ",";
    out += std::to_string(value);
  }
  return out + "]";
}

void add_figures(json_object& object, const pool_figures& pool) {
  object.add("pool", pool.name).add("size", pool.size);
  object.raw("drained", !pool.drained ? "null" : *pool.drained != 0 ? "true" : "false");
  struct named {
    const char* key;
    number pool_figures::*value;
  };
  for (const named& each :
       {named{"in_use", &pool_figures::in_use}, named{"free", &pool_figures::free},
        named{"resting", &pool_figures::resting},
        named{"out_of_service", &pool_figures::out_of_service},
        named{"waiting", &pool_figures::waiting}, named{"timed", &pool_figures::timed},
        named{"oldest_wait_us", &pool_figures::oldest_wait}, named{"grants", &pool_figures::grants},
        named{"handoffs", &pool_figures::handoffs}, named{"timeouts", &pool_figures::timeouts},
        named{"cancels", &pool_figures::cancels}, named{"expired", &pool_figures::expired},
        named{"ended", &pool_figures::ended}, named{"deaths", &pool_figures::deaths},
        named{"deadlocks", &pool_figures::deadlocks},
        named{"wait_total_us", &pool_figures::wait_total},
        named{"wait_longest_us", &pool_figures::wait_longest},
        named{"counting_since_us", &pool_figures::counting_since}})
    add(object, each.key, pool.*each.value);
  object.raw("wait_counts", pool.wait_counts.empty() ? "null" : array_of(pool.wait_counts));
}

std::string holder_json(const holder& one, bool names) {
  json_object object;
  object.add("index", one.index).add("scope", one.scope).add("state", one.state);
  add(object, "pid", one.pid);
  add(object, "age_us", one.age);
  add(object, "left_us", one.left);
  if (names)
    object.optional("user", one.user)
        .optional("application", one.application)
        .optional("client", one.client)
        .optional("holder", one.holder);
  return object.str();
}

std::string waiting_json(const waiting& one, bool names) {
  json_object object;
  object.add("position", one.position).add("kind", one.kind);
  add(object, "pid", one.pid);
  add(object, "age_us", one.age);
  if (names)
    object.optional("user", one.user)
        .optional("application", one.application)
        .optional("holder", one.holder);
  return object.str();
}

std::string withheld_json(const withheld_number& one) {
  return json_object().add("index", one.index).add("state", one.state).str();
}

template <class List, class Writer>
std::string list_json(const List& list, const Writer& write) {
  std::string out = "[";
  for (const auto& each : list) {
    if (out.size() > 1) out += ",\n";
    out += write(each);
  }
  return out + "]";
}

}  // namespace

std::string pools_json(const all_figures& figures) {
  json_object object;
  object.raw("standby", figures.standby ? "true" : "false").add("left_out", figures.left_out);
  object.raw("pools", list_json(figures.pools, [](const pool_figures& pool) {
               json_object one;
               add_figures(one, pool);
               return one.str();
             }));
  return object.str() + "\n";
}

std::string pool_json(const pool_figures& pool, const pool_detail& detail, bool names) {
  json_object object;
  add_figures(object, pool);
  object.raw("names", names ? "true" : "false");
  object.raw("leases",
             list_json(detail.holders, [&](const holder& one) { return holder_json(one, names); }));
  object.raw("waiters",
             list_json(detail.queue, [&](const waiting& one) { return waiting_json(one, names); }));
  object.raw("withheld", list_json(detail.withheld, withheld_json));
  return object.str() + "\n";
}

std::string error_json(const std::string& message) {
  return json_object().add("error", message).str() + "\n";
}

}  // namespace numpool::exporter
