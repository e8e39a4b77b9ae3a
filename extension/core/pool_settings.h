// What the owner of a pool has set for it beside its size.
#pragma once

#include <cstdint>

namespace numpool {

// Which of the free numbers is given.
enum class Policy : std::uint8_t {
  kLowest,
  kLongestFree,  // that which has been free longest
};

// Of a timed lease, in microseconds.
constexpr std::int64_t kMinTtl = 100000;
constexpr std::int64_t kMaxTtl = std::int64_t{30} * 24 * 3600 * 1000000;

// Times are in microseconds; all zero are the defaults, but for max_ttl.
struct PoolSettings {
  std::int64_t cooldown = 0;        // that a number rests after its release
  std::int64_t death_delay = 0;     // the same after a bad end
  std::int64_t max_hold = 0;        // of a lease of a session or transaction; 0: no limit
  std::int64_t max_ttl = kMaxTtl;   // of a timed lease
  std::int64_t ephemeral = 0;       // to be dropped when unused for so long; 0: never
  std::uint32_t max_count = 0;      // numbers of one request; 0: the size
  std::int32_t priority_limit = 0;  // of who does not operate the pool
  Policy policy = Policy::kLowest;

  bool operator==(const PoolSettings& other) const noexcept {
    return cooldown == other.cooldown && death_delay == other.death_delay &&
           max_hold == other.max_hold && max_ttl == other.max_ttl && ephemeral == other.ephemeral &&
           max_count == other.max_count && priority_limit == other.priority_limit &&
           policy == other.policy;
  }
  // Whether numbers of the pool may have to rest.
  bool has_rest() const noexcept { return cooldown != 0 || death_delay != 0; }
  // Whether something of it is for the clerk to end.
  bool wants_clerk() const noexcept { return has_rest() || max_hold != 0; }
};

}  // namespace numpool
