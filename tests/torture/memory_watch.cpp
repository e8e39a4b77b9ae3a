#include "memory_watch.h"

#include <algorithm>
#include <cstdio>

namespace numpool_test {

namespace {

// A backend's caches fill with what it meets, whenever that is.
constexpr double kMostGrowth = 1.25;
constexpr long kSlack = 1024;  // kB

struct Change {
  long first, last;  // the most in the first fifth, and in the last
};

Change change_of(const std::vector<long>& values) {
  const long fifth = static_cast<long>(values.size() / 5);
  if (fifth == 0) return {0, 0};
  return {*std::max_element(values.begin(), values.begin() + fifth),
          *std::max_element(values.end() - fifth, values.end())};
}

}  // namespace

void MemoryWatch::look(const Server& server, const RunBoard& board) {
  long most = 0;
  for (const WorkerSlot& slot : board.slots)
    if (slot.backend != 0) most = std::max(most, anonymous_memory(slot.backend));
  if (most == 0) return;  // it is just being started again
  largest_.push_back(most);
  all_.push_back(server.memory());
}

bool MemoryWatch::report() const {
  const Change largest = change_of(largest_), all = change_of(all_);
  std::printf(
      "  memory: the largest backend %ld kB in the first fifth, %ld kB in the last; all processes "
      "%ld kB and %ld kB\n",
      largest.first, largest.last, all.first, all.last);
  return static_cast<double>(largest.last) <=
         kMostGrowth * static_cast<double>(largest.first) + kSlack;
}

}  // namespace numpool_test
