// run: many at once never hold a number together.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "support/pool.h"
#include "program.h"

using namespace numpool_test;

namespace {

constexpr int kRuns = 40;

// Reads "+ INDEX FENCE" and "- INDEX FENCE" lines in the order in which they were written, and
// counts overlaps: a number taken while it is taken, or with a fence that does not grow.
int overlaps(const std::string& log) {
  std::istringstream lines(log);
  std::map<int, long long> held;
  std::map<int, long long> last_fence;
  int faults = 0;
  std::string mark;
  int index = 0;
  long long fence = 0;
  while (lines >> mark >> index >> fence) {
    if (mark == "+") {
      faults += held.count(index) != 0 || fence <= last_fence[index] ? 1 : 0;
      held[index] = last_fence[index] = fence;
    } else {
      faults += held.count(index) == 0 || held[index] != fence ? 1 : 0;
      held.erase(index);
    }
  }
  return faults + static_cast<int>(held.size());
}

}  // namespace

TEST_CASE("the checker finds an overlap") {
  CHECK(overlaps("+ 0 1\n- 0 1\n+ 0 2\n- 0 2\n+ 1 3\n- 1 3\n") == 0);
  CHECK(overlaps("+ 0 1\n+ 0 2\n- 0 2\n") > 0);
  CHECK(overlaps("+ 0 2\n- 0 2\n+ 0 1\n- 0 1\n") > 0);
  CHECK(overlaps("+ 0 1\n") > 0);
}

TEST_CASE("many runs on a pool of two never overlap") {
  Pool pool(2);
  const std::string log = temporary_name("log");
  // Appending one short line is atomic, and within a command '+' is written before '-'.
  const std::string script = "echo \"+ $NUMPOOL_INDEX $NUMPOOL_FENCE\" >> " + log +
                             "; sleep 0.01; echo \"- $NUMPOOL_INDEX $NUMPOOL_FENCE\" >> " + log;
  std::vector<Numpool> started;
  for (int i = 0; i < kRuns; ++i) {
    started.emplace_back(Words{"run", pool.name(), "--", "sh", "-c", script});
  }
  for (auto& p : started) CHECK(p.wait() == 0);
  CHECK(lines(content(log)) == 2 * kRuns);
  CHECK(overlaps(content(log)) == 0);
  CHECK(pool.in_use() == 0);
  CHECK(pool.waiting() == 0);
}
