// What contenders of the mix `deadlock` did, and what there is to contend for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace numpool_test {

enum class Resource { kPool, kRow, kTable, kAdvisory };

struct Wanted {
  Resource kind;
  int which;
};

// A statement that may have waited. Times are nanoseconds of the monotonic clock.
struct Attempt {
  Wanted wanted;
  bool has_timeout;  // of its own
  std::int64_t begin, end;
  std::string sqlstate;  // "": it got what it wanted, or NULL
  std::string detail;
  int index;                 // of the number; -1: none
  std::int64_t released_at;  // no later than when that was given back; 0: never
};

struct Contender {
  int pid;
  std::vector<Attempt> attempts;
  std::int64_t operations = 0;
};

constexpr int kPoolSizes[] = {1, 1, 1, 2, 3};
constexpr int kPools = sizeof(kPoolSizes) / sizeof(kPoolSizes[0]);
inline std::string pool_name(int which) {
  return "dl" + std::to_string(which);
}

// What of it breaks P14, in words; `victims` counts those that were told by numpool. `longest` is
// how long anything may last, in nanoseconds.
std::vector<std::string> judge_contention(const std::vector<Contender>& contenders,
                                          std::int64_t longest, std::int64_t* victims);

}  // namespace numpool_test
