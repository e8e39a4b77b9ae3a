#include <chrono>
#include <cstdint>

#include "json.hpp"
#include "view.hpp"

namespace numpool::cli {
namespace {

std::int64_t us(std::chrono::microseconds value) {
  return value.count();
}

json_object object_of(const pool_status& p) {
  // On a standby what only the primary knows is null.
  const auto live = [&p](std::int64_t value) { return p.live ? std::to_string(value) : "null"; };
  json_object out;
  out.add("pool", p.pool)
      .add("size", p.size)
      .raw("in_use", live(p.in_use))
      .raw("free", live(p.free))
      .raw("waiting", live(p.waiting))
      .raw("metadata", p.metadata.value_or("null"))
      .raw("grants", live(p.grants))
      .raw("handoffs", live(p.handoffs))
      .raw("timeouts", live(p.timeouts))
      .raw("cancels", live(p.cancels))
      .raw("deadlocks", live(p.deadlocks))
      .raw("timed", live(p.timed))
      .raw("expired", live(p.expired))
      .raw("resting", live(p.resting))
      .raw("out_of_service", live(p.out_of_service))
      .raw("drained", p.drained ? "true" : "false")
      .optional("owner", p.owner)
      .raw("users", json_array(p.users))
      .raw("wait_total_us", live(us(p.wait_total)))
      .raw("wait_longest_us", live(us(p.wait_longest)))
      .raw("counting_since", p.live ? json_time(p.counting_since) : "null");
  return out;
}

/// A pid, or null where it is hidden.
std::string pid_json(int pid) {
  return pid == 0 ? "null" : std::to_string(pid);
}

/// The time left as a number, null where it does not count down.
std::string left_json(const std::optional<std::chrono::microseconds>& left) {
  return left ? std::to_string(us(*left)) : "null";
}

std::string json_of(const lease_info& l) {
  return json_object()
      .add("index", l.index)
      .add("fence", l.fence)
      .raw("pid", pid_json(l.pid))
      .optional("user", l.user)
      .optional("application", l.application)
      .optional("client_address", l.client_address)
      .add("scope", l.scope)
      .add("state", l.state)
      .raw("acquired_at", json_time(l.acquired_at))
      .add("held_for_us", us(l.held_for))
      .optional("holder", l.holder)
      .raw("time_left_us", left_json(l.time_left))
      .optional("token", l.token)
      .raw("in_service", l.in_service ? "true" : "false")
      .str();
}

std::string json_of(const waiter_info& w) {
  return json_object()
      .add("position", w.position)
      .raw("ticket", w.ticket ? std::to_string(*w.ticket) : "null")
      .raw("pid", pid_json(w.pid))
      .optional("user", w.user)
      .optional("application", w.application)
      .add("kind", w.kind)
      .raw("since", json_time(w.since))
      .add("waited_for_us", us(w.waited_for))
      .optional("holder", w.holder)
      .raw("time_left_us", left_json(w.time_left))
      .optional("token", w.token)
      .str();
}

std::string json_of(const detail::slot_info& s) {
  return json_object()
      .add("index", s.index)
      .add("state", s.state)
      .raw("time_left_us", left_json(s.time_left))
      .optional("reason", s.reason)
      .str();
}

template <class Row>
std::string array_of(const std::vector<Row>& rows) {
  std::string out = "[";
  for (const Row& row : rows) out += (out.size() > 1 ? ",\n  " : "\n  ") + json_of(row);
  return out + (rows.empty() ? "]" : "\n]");
}

}  // namespace

std::string overview_json(const std::vector<pool_view>& pools) {
  std::string out = "[";
  for (const pool_view& view : pools) {
    out += (out.size() > 1 ? ",\n  " : "\n  ") + object_of(view.pool).str();
  }
  return out + (pools.empty() ? "]\n" : "\n]\n");
}

std::string pool_json(const pool_view& view) {
  json_object out = object_of(view.pool);
  out.raw("leases", array_of(view.leases))
      .raw("waiters", array_of(view.waiters))
      .raw("kept_back", array_of(view.kept_back));
  return out.str() + "\n";
}

}  // namespace numpool::cli
