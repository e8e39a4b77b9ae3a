#include <algorithm>
#include <chrono>
#include <utility>

#include "duration.hpp"
#include "text.hpp"
#include "view.hpp"

namespace numpool::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kOverviewBar = 32;  // cells
constexpr std::size_t kLongestBar = 64;   // cells
constexpr auto kRight = table::align::right;

std::string age(microseconds value) {
  return format_duration(duration_cast<milliseconds>(value));
}

std::string or_hidden(const std::optional<std::string>& text) {
  return text ? printable(*text) : "?";
}

std::string pid_text(int pid) {
  return pid == 0 ? "?" : std::to_string(pid);
}

std::string counters(const pool_status& pool) {
  std::string out = std::to_string(pool.grants) + " granted, " + std::to_string(pool.handoffs) +
                    " of them after waiting";
  if (pool.handoffs > 0) {
    out += " (" + age(pool.wait_total / pool.handoffs) + " on average, " + age(pool.wait_longest) +
           " at most)";
  }
  return out + "; " + std::to_string(pool.timeouts) + " timed out, " +
         std::to_string(pool.cancels) + " cancelled, " + std::to_string(pool.deadlocks) +
         " in a deadlock" +
         (pool.expired > 0 ? ", " + std::to_string(pool.expired) + " ended by time\n" : "\n");
}

/// Whether any row counts down; only then there are columns for it.
template <class Row>
bool any_timed(const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.time_left; });
}

/// A table that begins with `columns`, and has more for what is timed if `timed`.
table table_of(std::vector<table::column> columns, bool timed) {
  if (timed) {
    columns.push_back({"TIME LEFT", kRight});
    columns.push_back({"HOLDER"});
  }
  return table(std::move(columns));
}

template <class Row>
void add_timed(std::vector<std::string>& cells, const Row& row) {
  cells.push_back(row.time_left ? age(*row.time_left) : "");
  cells.push_back(row.holder ? printable(*row.holder) : "");
}

std::string holders(const std::vector<lease_info>& leases) {
  const bool timed = any_timed(leases);
  table rows = table_of({{"INDEX", kRight},
                         {"HELD FOR", kRight},
                         {"PID", kRight},
                         {"USER"},
                         {"APPLICATION"},
                         {"CLIENT"},
                         {"SCOPE"},
                         {"STATE"},
                         {"FENCE", kRight}},
                        timed);
  for (const lease_info& l : leases) {
    // The address is empty for a Unix socket and for a holder whose details are hidden.
    const std::string from = l.client_address ? printable(*l.client_address) : "";
    std::vector<std::string> cells{std::to_string(l.index),
                                   age(l.held_for),
                                   pid_text(l.pid),
                                   or_hidden(l.user),
                                   or_hidden(l.application),
                                   from.empty() ? (l.pid ? "local" : "?") : from,
                                   l.scope,
                                   l.state,
                                   std::to_string(l.fence)};
    if (l.scope == "timed") cells[2] = cells[4] = cells[5] = "";  // it belongs to no connection
    if (timed) add_timed(cells, l);
    rows.add(std::move(cells));
  }
  return rows.str();
}

std::string queue(const std::vector<waiter_info>& waiters) {
  const bool timed = any_timed(waiters);
  table rows = table_of({{"QUEUE", kRight},
                         {"WAITING FOR", kRight},
                         {"PID", kRight},
                         {"USER"},
                         {"APPLICATION"},
                         {"KIND"},
                         {"TICKET", kRight}},
                        timed);
  for (const waiter_info& w : waiters) {
    std::vector<std::string> cells{std::to_string(w.position),
                                   age(w.waited_for),
                                   pid_text(w.pid),
                                   or_hidden(w.user),
                                   or_hidden(w.application),
                                   w.kind,
                                   w.ticket ? std::to_string(*w.ticket) : ""};
    if (timed) add_timed(cells, w);
    rows.add(std::move(cells));
  }
  return rows.str();
}

/// What is said of numbers that are not given, beside the counts of the others.
std::string kept_back_note(const pool_status& p) {
  std::string out;
  if (p.resting > 0) out += ", " + std::to_string(p.resting) + " at rest";
  if (p.out_of_service > 0 && !p.drained)
    out += ", " + std::to_string(p.out_of_service) + " out of service";
  return p.drained ? out + ", drained" : out;
}

/// The same behind the bar in the table of pools.
std::string overview_note(const pool_status& p) {
  const std::string note = kept_back_note(p);
  return note.empty() ? "" : "  " + note.substr(2);
}

/// Who owns the pool and who may use it, a line; nothing where it is not known.
std::string roles(const pool_status& p) {
  if (!p.owner) return "";
  std::string users;
  for (const std::string& user : p.users) users += (users.empty() ? "" : ", ") + printable(user);
  return "owner: " + printable(*p.owner) + "; users: " + (users.empty() ? "nobody" : users) + "\n";
}

std::string kept_back(const pool_view& view) {
  constexpr std::size_t kShown = 20;
  table rows({{"INDEX", kRight}, {"NOT GIVEN"}, {"TIME LEFT", kRight}, {"REASON"}});
  const std::size_t shown = std::min(view.kept_back.size(), kShown);
  for (std::size_t i = 0; i < shown; ++i) {
    const detail::slot_info& s = view.kept_back[i];
    rows.add({std::to_string(s.index), s.state == "resting" ? "at rest" : s.state,
              s.time_left ? age(*s.time_left) : "", printable(s.reason.value_or(""))});
  }
  const std::size_t more = view.kept_back.size() - shown;
  return rows.str() + (more > 0 ? "and " + std::to_string(more) + " more: numpool slots\n" : "");
}

}  // namespace

std::string overview_text(const std::vector<pool_view>& pools, const view_format& format) {
  if (pools.empty()) return "There are no pools.\n";
  table rows({{"POOL"},
              {"SIZE", kRight},
              {"IN USE", kRight},
              {"FREE", kRight},
              {"WAITING", kRight},
              {"OWNER"},
              {"NUMBERS"}});
  for (const pool_view& view : pools) {
    const pool_status& p = view.pool;
    const auto live = [&p](int value) { return p.live ? std::to_string(value) : "?"; };
    rows.add(
        {shorten(printable(p.pool), 40), std::to_string(p.size), live(p.in_use), live(p.free),
         live(p.waiting), p.owner ? shorten(printable(*p.owner), 20) : "?",
         p.live ? draw_bar(view.numbers, kOverviewBar, format.style) + overview_note(p) : "?"});
  }
  return rows.str();
}

std::string pool_text(const pool_view& view, const view_format& format) {
  const pool_status& p = view.pool;
  std::string out =
      printable(p.pool) + ": " + std::to_string(p.size) + (p.size == 1 ? " number" : " numbers");
  const std::string about =
      roles(p) + (p.metadata ? "metadata: " + printable(*p.metadata) + "\n" : "");
  if (!p.live) return out + (p.drained ? ", drained\n" : "\n") + about;
  out += ", " + std::to_string(p.in_use) + " in use, " + std::to_string(p.free) + " free, " +
         std::to_string(p.waiting) + " waiting" + kept_back_note(p) + "\n";
  const std::size_t cells =
      std::clamp<std::size_t>(format.width > 2 ? format.width - 2 : 1, 1, kLongestBar);
  out += draw_bar(view.numbers, cells, format.style);
  const std::size_t step = bar_step(view.numbers.size(), cells);
  if (step > 1) out += "  a cell is " + std::to_string(step) + " numbers";
  out += "\n" + about;
  out += counters(p);
  if (!view.leases.empty()) out += "\n" + holders(view.leases);
  if (!view.waiters.empty()) out += "\n" + queue(view.waiters);
  if (!view.kept_back.empty()) out += "\n" + kept_back(view);
  return out;
}

}  // namespace numpool::cli
