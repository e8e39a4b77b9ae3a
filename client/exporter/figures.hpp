// What the database says of its pools at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace numpool::exporter {

/// At most so many pools are shown, and so many leases and waiters of one.
constexpr int kMaxPools = 1000;
constexpr int kMaxRows = 1000;

/// Upper bounds in seconds of the histogram's buckets but the last, which has none; as text, for a
/// double would not print as these.
constexpr const char* kBounds[] = {"0.0001", "0.001", "0.01",  "0.1",
                                   "1.0",    "10.0",  "100.0", "1000.0"};

/// Durations are in microseconds.  Nothing where a standby does not know it.
struct pool_figures {
  std::string name;
  std::int64_t size = 0;
  std::optional<std::int64_t> in_use, free, waiting, timed, out_of_service, resting, oldest_wait;
  std::optional<std::int64_t> drained;  ///< 0 or 1
  std::optional<std::int64_t> grants, handoffs, timeouts, cancels, expired, ended, deaths,
      deadlocks;
  std::optional<std::int64_t> wait_total, wait_longest;
  std::vector<std::int64_t> wait_counts;       ///< one more than kBounds; empty: not counted
  std::int64_t wait_sum = 0;                   ///< of what wait_counts has
  std::optional<std::int64_t> counting_since;  ///< since 1970
};

struct memory_figures {
  std::optional<std::int64_t> size, used, idle, free, largest_pool, pools, max_pools, tickets,
      max_tickets;
};

struct all_figures {
  bool standby = false;
  std::vector<pool_figures> pools;  ///< by name
  std::int64_t left_out = 0;        ///< pools beyond kMaxPools
  memory_figures memory;
  std::int64_t took = 0;  ///< until the database had answered
};

struct holder {
  std::int64_t index = 0;
  std::optional<std::int64_t> pid, age, left;
  std::string scope, state;
  std::optional<std::string> user, application, client, holder;
};

struct waiting {
  std::int64_t position = 0;
  std::optional<std::int64_t> pid, age;
  std::string kind;
  std::optional<std::string> user, application, holder;
};

/// A number that nobody has, and that is not given to anybody.
struct withheld_number {
  std::int64_t index = 0;
  std::string state;  ///< "out of service" or "resting"
};

/// One pool, closer.
struct pool_detail {
  std::vector<holder> holders;            ///< the first ones by index
  std::vector<waiting> queue;             ///< the first ones
  std::vector<withheld_number> withheld;  ///< the first ones by index
};

}  // namespace numpool::exporter
