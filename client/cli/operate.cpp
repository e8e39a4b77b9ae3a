// numpool end-lease, service, drain and slots: what an operator does to a pool that others use.
#include "access.hpp"
#include "commands.hpp"
#include "duration.hpp"
#include "failure.hpp"
#include "json.hpp"
#include "operating_calls.hpp"
#include "patience.hpp"
#include "text.hpp"
#include "waiting_line.hpp"

namespace numpool::cli {
namespace {

const char* json_of(bool value) {
  return value ? "true" : "false";
}

/// Null where it is not known.
const char* json_of(change value) {
  return value == change::perhaps ? "null" : json_of(value == change::made);
}

/// The outcome as JSON if that was asked for.
void print_outcome(const arguments& args, const json_object& outcome) {
  if (args.json) print(outcome.str() + "\n");
}

}  // namespace

int run_end_lease(const arguments& args) {
  // Without a fence a second try might end the lease after the one that was meant.
  const auto how = args.fence ? repeat::may_be_in_doubt : repeat::not_in_doubt;
  const change ended = make_change(args, how, [&](client& server) {
    return detail::end_lease(detail::access::engine_of(server), *args.pool, args.index, args.fence);
  });
  json_object outcome;
  outcome.add("pool", *args.pool).add("index", args.index).raw("ended", json_of(ended));
  print_outcome(args, outcome);
  if (ended == change::not_made) {
    throw failure(kRefused, "number " + std::to_string(args.index) + " of pool \"" + *args.pool +
                                "\" has no " + (args.fence ? "such lease" : "lease"));
  }
  if (ended == change::perhaps) {
    complain("the lease is over; whether this has ended it is not known, as an answer was lost");
  }
  return kSuccess;
}

int run_service(const arguments& args) {
  const change changed = make_change(args, repeat::may_be_in_doubt, [&](client& server) {
    return detail::set_service(detail::access::engine_of(server), *args.pool, args.index,
                               args.in_service, args.reason);
  });
  json_object outcome;
  outcome.add("pool", *args.pool)
      .add("index", args.index)
      .raw("in_service", json_of(args.in_service))
      .raw("changed", json_of(changed));
  print_outcome(args, outcome);
  return kSuccess;
}

int run_drain(const arguments& args) {
  const auto started = patience::clock::now();
  const change changed = make_change(args, repeat::may_be_in_doubt, [&](client& server) {
    return detail::drain(detail::access::engine_of(server), *args.pool, !args.end, args.reason);
  });
  bool is_idle = false;
  if (args.wait_idle) {
    with_server(args, repeat::may_be_in_doubt, [&](client& server) {
      waiting_line line(args.verbose);
      line.show({"waiting until nobody uses \"" + *args.pool + "\"", ""});
      is_idle = detail::wait_idle(detail::access::engine_of(server), *args.pool,
                                  time_left(args, started));
    });
  }
  json_object outcome;
  outcome.add("pool", *args.pool)
      .raw("drained", json_of(!args.end))
      .raw("changed", json_of(changed));
  if (args.wait_idle) outcome.raw("idle", json_of(is_idle));
  print_outcome(args, outcome);
  if (args.wait_idle && !is_idle) {
    throw failure(kTimedOut, "timed out: pool \"" + *args.pool + "\" is still in use");
  }
  return kSuccess;
}

namespace {

std::string age(const std::optional<std::chrono::microseconds>& time) {
  if (!time) return "";
  return format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(*time));
}

template <class Number>
std::string text_of(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : "";
}

std::string slots_text(const std::vector<detail::slot_info>& slots) {
  constexpr auto kRight = table::align::right;
  table rows({{"INDEX", kRight},
              {"STATE"},
              {"SINCE", kRight},
              {"TIME LEFT", kRight},
              {"PID", kRight},
              {"USER"},
              {"LAST END"},
              {"FENCE", kRight},
              {"REASON"}});
  for (const detail::slot_info& s : slots) {
    rows.add({std::to_string(s.index), s.state, age(s.lasted), age(s.time_left), text_of(s.pid),
              printable(s.user.value_or("")), s.last_end.value_or(""), text_of(s.fence),
              printable(s.reason.value_or(""))});
  }
  return rows.str();
}

template <class Number>
std::string number_json(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : "null";
}

std::string time_json(const std::optional<std::chrono::microseconds>& time) {
  return time ? std::to_string(time->count()) : "null";
}

std::string slots_json(const std::vector<detail::slot_info>& slots) {
  std::string out = "[";
  for (const detail::slot_info& s : slots) {
    out += (out.size() > 1 ? ",\n  " : "\n  ") + json_object()
                                                     .add("index", s.index)
                                                     .add("state", s.state)
                                                     .raw("since_us", time_json(s.lasted))
                                                     .raw("time_left_us", time_json(s.time_left))
                                                     .optional("reason", s.reason)
                                                     .raw("fence", number_json(s.fence))
                                                     .raw("pid", number_json(s.pid))
                                                     .optional("user", s.user)
                                                     .optional("last_end", s.last_end)
                                                     .str();
  }
  return out + (slots.empty() ? "]\n" : "\n]\n");
}

}  // namespace

int run_slots(const arguments& args) {
  std::vector<detail::slot_info> slots;
  with_server(args, repeat::may_be_in_doubt, [&](client& server) {
    slots = detail::slots(detail::access::engine_of(server), *args.pool);
  });
  print(args.json ? slots_json(slots) : slots_text(slots));
  return kSuccess;
}

}  // namespace numpool::cli
