// The pools of the mix `operate`, and what its sessions share.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "torture/operate/history.h"

namespace numpool_test::operate {

constexpr Time kMillisecond = 1000000;

struct PoolOfOperate {
  const char* name;
  int size;
  const char* policy;
  Settings settings;
  bool configured, resized;  // by operators, too
};

constexpr PoolOfOperate kPools[] = {
    {"plain", 8, "lowest", {}, false, true},
    {"cool", 8, "longest_free", {8 * kMillisecond, 0, 0}, false, false},
    {"mourn", 14, "lowest", {2 * kMillisecond, 300 * kMillisecond, 0}, false, false},
    {"held", 8, "lowest", {0, 100 * kMillisecond, 150 * kMillisecond}, false, false},
    {"shift", 12, "longest_free", {5 * kMillisecond, 100 * kMillisecond, 0}, true, true},
    {"start", 12, "longest_free", {0, 4000 * kMillisecond, 0}, false, false}};
constexpr int kPoolCount = 6;
constexpr int kMostNumbers = 16;

inline std::string quoted(int pool) {
  return std::string("'") + kPools[pool].name + "'";
}

// The fence that somebody was told of last for each number, and whether he has it still as far as
// he knows.
struct Place {
  std::atomic<std::int64_t> fence{0};
  std::atomic<bool> held{false};
};

class Board {
 public:
  Place& at(int pool, int index) {
    return places_[static_cast<std::size_t>(pool)][static_cast<std::size_t>(index)];
  }

 private:
  std::array<std::array<Place, kMostNumbers>, kPoolCount> places_;
};

// What one session of the mix has to tell.
struct Log {
  std::vector<Grant> grants;
  std::vector<Change> changes;
  std::vector<Use> uses;
  std::vector<Idle> idles;
  std::map<std::string, int> done;      // what, how often
  std::map<std::string, int> refusals;  // SQLSTATE, how often
  std::vector<std::string> surprises;   // errors that should not be

  void surprise(const std::string& text) {
    if (surprises.size() < 10) surprises.push_back(text);
  }
};

inline std::string milliseconds(Time time) {
  return "'" + std::to_string(time / kMillisecond) + " ms'";
}

}  // namespace numpool_test::operate
