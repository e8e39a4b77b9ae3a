// What a pool counts, for people and for monitoring.
#pragma once

#include <cstdint>

namespace numpool {

struct PoolCounters {
  std::int64_t counting_since;  // microseconds, the caller's clock
  std::uint64_t grants;
  std::uint64_t handoffs;  // grants to a waiter
  std::uint64_t timeouts;
  std::uint64_t cancels;
  std::uint64_t deadlocks;    // waits ended to let others go on
  std::uint64_t expired;      // timed leases that ended by time
  std::uint64_t ended;        // leases that ended by force
  std::uint64_t deaths;       // leases that ended with a process that did not end well
  std::int64_t wait_total;    // microseconds, of all hand-offs
  std::int64_t wait_longest;  // microseconds
};

// How long those who were handed a number had waited. In a block of its own, which a pool has from
// its first wait on, if there was memory for it: it adds up by itself, whatever was counted before.
struct WaitHistogram {
  // Powers of ten from 100 microseconds to 1,000 s, each counting what is no longer than it and
  // longer than the one before; the last counts all that is longer.
  static constexpr std::uint32_t kBuckets = 9;
  static constexpr std::int64_t kFirstBound = 100;

  std::uint64_t counts[kBuckets];
  std::int64_t total;  // microseconds, of what is counted here

  static constexpr std::uint32_t bucket_of(std::int64_t waited) noexcept {
    std::uint32_t bucket = 0;
    for (std::int64_t bound = kFirstBound; bucket + 1 < kBuckets && waited > bound; bound *= 10)
      ++bucket;
    return bucket;
  }
  void add(std::int64_t waited) noexcept {
    ++counts[bucket_of(waited)];
    total += waited;
  }
};

}  // namespace numpool
