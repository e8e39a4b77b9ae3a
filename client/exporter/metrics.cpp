#include "metrics.hpp"

#include <cstdio>
#include <iterator>

#include "http_request.hpp"

namespace numpool::exporter {
namespace {

/// A label's value as both formats want it.
std::string escaped(const std::string& text) {
  const bool sound = is_utf8(text);
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += !sound && static_cast<unsigned char>(c) >= 0x80 ? '?' : c;
  }
  return out;
}

/// Microseconds as seconds, exact.
std::string seconds(std::int64_t microseconds) {
  char buffer[40];
  const bool negative = microseconds < 0;
  const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(microseconds)
                                      : static_cast<std::uint64_t>(microseconds);
  std::snprintf(buffer, sizeof buffer, "%s%llu.%06llu", negative ? "-" : "",
                static_cast<unsigned long long>(size / 1000000),
                static_cast<unsigned long long>(size % 1000000));
  return buffer;
}

/// Writes families of metrics.
class writer {
 public:
  explicit writer(metrics_format format) : is_open_(format == metrics_format::open) {}

  /// Begins a family.  `unit` may be "".
  void family(const std::string& name, const char* type, const char* unit, const char* help) {
    name_ = name;
    // A counter's family has the suffix of its samples only in the older format.
    if (std::string(type) == "counter" && !is_open_) name_ += "_total";
    out_ += "# HELP " + name_ + ' ' + help + '\n';
    out_ += "# TYPE " + name_ + ' ' + type + '\n';
    if (is_open_ && *unit != '\0') out_ += "# UNIT " + name_ + ' ' + unit + '\n';
    if (std::string(type) == "counter" && is_open_) name_ += "_total";
  }
  void sample(const std::string& labels, const std::string& value, const char* suffix = "") {
    out_ += name_ + suffix + labels + ' ' + value + '\n';
  }
  std::string finished() { return is_open_ ? out_ + "# EOF\n" : out_; }

 private:
  bool is_open_;
  std::string name_;
  std::string out_;
};

using member = std::optional<std::int64_t> pool_figures::*;

/// A metric that each pool has one sample of.
struct pool_metric {
  const char* name;
  const char* type;
  const char* unit;
  member value;  ///< of seconds: in microseconds
  const char* help;
};

constexpr pool_metric kPoolMetrics[] = {
    {"numpool_pool_in_use", "gauge", "", &pool_figures::in_use, "Numbers that are leased."},
    {"numpool_pool_free", "gauge", "", &pool_figures::free, "Numbers that can be leased at once."},
    {"numpool_pool_resting", "gauge", "", &pool_figures::resting,
     "Numbers that were released and cannot be leased yet."},
    {"numpool_pool_out_of_service", "gauge", "", &pool_figures::out_of_service,
     "Numbers that are not given, and that nobody holds."},
    {"numpool_pool_drained", "gauge", "", &pool_figures::drained, "Whether no number is given."},
    {"numpool_pool_waiting", "gauge", "", &pool_figures::waiting, "Waiters in the queue."},
    {"numpool_pool_timed_leases", "gauge", "", &pool_figures::timed,
     "Leases that belong to tokens."},
    {"numpool_pool_oldest_wait_seconds", "gauge", "seconds", &pool_figures::oldest_wait,
     "How long the head of the queue has waited; absent where nobody waits."},
    {"numpool_pool_wait_longest_seconds", "gauge", "seconds", &pool_figures::wait_longest,
     "The longest wait that came to a number since counting began."},
    {"numpool_pool_counting_since_timestamp_seconds", "gauge", "seconds",
     &pool_figures::counting_since, "When counting began."},
    {"numpool_pool_grants", "counter", "", &pool_figures::grants, "Leases granted."},
    {"numpool_pool_handoffs", "counter", "", &pool_figures::handoffs, "Grants to a waiter."},
    {"numpool_pool_timeouts", "counter", "", &pool_figures::timeouts,
     "Waits that ended at their time limit."},
    {"numpool_pool_cancels", "counter", "", &pool_figures::cancels,
     "Waits that ended without a number for another reason."},
    {"numpool_pool_expired", "counter", "", &pool_figures::expired,
     "Timed leases whose time was over."},
    {"numpool_pool_ended", "counter", "", &pool_figures::ended,
     "Leases that somebody ended who did not hold them."},
    {"numpool_pool_deaths", "counter", "", &pool_figures::deaths,
     "Leases that ended with a session that did not end well."},
    {"numpool_pool_deadlocks", "counter", "", &pool_figures::deadlocks,
     "Waits that were ended because of a deadlock."},
};

std::string label_of(const pool_figures& pool) {
  return "{pool=\"" + escaped(pool.name) + "\"}";
}

void write_pools(writer& out, const std::vector<pool_figures>& pools) {
  out.family("numpool_pool_size", "gauge", "", "Numbers that the pool has.");
  for (const pool_figures& pool : pools) out.sample(label_of(pool), std::to_string(pool.size));
  for (const pool_metric& metric : kPoolMetrics) {
    out.family(metric.name, metric.type, metric.unit, metric.help);
    for (const pool_figures& pool : pools) {
      const auto& value = pool.*metric.value;
      if (!value) continue;
      out.sample(label_of(pool), *metric.unit != '\0' ? seconds(*value) : std::to_string(*value));
    }
  }
}

void write_histogram(writer& out, const pool_figures& pool) {
  std::vector<std::int64_t> counts = pool.wait_counts;
  if (counts.empty()) {
    // Not counted for want of memory; where nobody was handed a number there was nothing to count.
    if (pool.handoffs != 0) return;
    counts.assign(std::size(kBounds) + 1, 0);
  }
  const std::string label = "{pool=\"" + escaped(pool.name) + "\"";
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    std::string labels = label;
    labels.append(",le=\"").append(i < std::size(kBounds) ? kBounds[i] : "+Inf").append("\"}");
    out.sample(labels, std::to_string(sum), "_bucket");
  }
  out.sample(label + "}", seconds(pool.wait_sum), "_sum");
  out.sample(label + "}", std::to_string(sum), "_count");
}

void write_memory(writer& out, const memory_figures& memory) {
  const auto gauge = [&](const char* name, const char* unit, const char* help,
                         const std::optional<std::int64_t>& value) {
    out.family(name, "gauge", unit, help);
    if (value) out.sample("", std::to_string(*value));
  };
  gauge("numpool_memory_size_bytes", "bytes", "Shared memory that numpool has.", memory.size);
  gauge("numpool_memory_used_bytes", "bytes", "Shared memory that is taken.", memory.used);
  gauge("numpool_memory_idle_bytes", "bytes",
        "Of what is taken, what belongs to pools that nobody uses.", memory.idle);
  gauge("numpool_memory_free_bytes", "bytes", "Shared memory that pools and tickets may have.",
        memory.free);
  gauge("numpool_memory_largest_pool", "", "Numbers of the largest pool that has room.",
        memory.largest_pool);
  gauge("numpool_memory_pools", "", "Pools that are live.", memory.pools);
  gauge("numpool_memory_pools_limit", "", "Pools that can be live at a time.", memory.max_pools);
  gauge("numpool_memory_tickets", "", "Tickets that wait.", memory.tickets);
  gauge("numpool_memory_tickets_limit", "", "Tickets that could wait.", memory.max_tickets);
}

}  // namespace

metrics_format format_for(const std::string& accept) {
  return accept.find("application/openmetrics-text") != std::string::npos ? metrics_format::open
                                                                          : metrics_format::text;
}

const char* content_type(metrics_format format) {
  return format == metrics_format::open
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string metrics_text(const all_figures* figures, metrics_format format) {
  writer out(format);
  out.family("numpool_up", "gauge", "", "Whether the database answers.");
  out.sample("", figures != nullptr ? "1" : "0");
  if (figures == nullptr) return out.finished();
  out.family("numpool_standby", "gauge", "",
             "Whether it is a standby, which has only definitions.");
  out.sample("", figures->standby ? "1" : "0");
  out.family("numpool_exporter_pools_left_out", "gauge", "", "Pools beyond the limit of 1000.");
  out.sample("", std::to_string(figures->left_out));
  out.family("numpool_exporter_query_seconds", "gauge", "seconds",
             "How long the database took to answer.");
  out.sample("", seconds(figures->took));
  write_pools(out, figures->pools);
  out.family("numpool_pool_wait_seconds", "histogram", "seconds",
             "How long those had waited who were handed a number.");
  for (const pool_figures& pool : figures->pools) write_histogram(out, pool);
  write_memory(out, figures->memory);
  return out.finished();
}

}  // namespace numpool::exporter
