#include "judge.h"

#include <algorithm>
#include <limits>

namespace numpool_test {

namespace {

constexpr double kSecond = 1e9;

double seconds(Time time) {
  return static_cast<double>(time) / kSecond;
}

double longest_without(const std::vector<Grant>& grants, const Circumstances& what) {
  std::vector<Time> begins = {what.fault, what.until};
  for (const Grant& one : grants)
    if (one.belief.begin > what.fault && one.belief.begin < what.until)
      begins.push_back(one.belief.begin);
  std::sort(begins.begin(), begins.end());
  Time longest = 0;
  for (std::size_t i = 1; i < begins.size(); i++)
    longest = std::max(longest, begins[i] - begins[i - 1]);
  return seconds(longest);
}

// Where the primary moved, the first grant that the new one gave, as far as that is known.
double again(const std::vector<Grant>& grants, const Circumstances& what) {
  std::int64_t largest = 0;
  for (const Grant& one : grants)
    if (one.belief.begin <= what.fault) largest = std::max(largest, one.belief.fence);
  Time first = kNever;
  for (const Grant& one : grants) {
    if (one.belief.begin <= what.fault || one.belief.fence <= largest) continue;
    if (one.node >= 0 && one.node != what.after) continue;
    first = std::min(first, one.belief.begin);
  }
  return first == kNever ? -1 : seconds(first - what.fault);
}

void judge_nodes(const std::vector<Grant>& grants, const Circumstances& what, Reading& reading) {
  if (what.before == what.after) return;
  std::int64_t largest = 0, smallest = std::numeric_limits<std::int64_t>::max();
  for (const Grant& one : grants) {
    if (one.node == what.before) largest = std::max(largest, one.belief.fence);
    if (one.node == what.after && one.belief.begin > what.fault)
      smallest = std::min(smallest, one.belief.fence);
  }
  if (largest >= smallest)
    reading.violations.push_back("the former primary gave fence " + std::to_string(largest) +
                                 ", its successor " + std::to_string(smallest));
}

}  // namespace

Reading judge_grants(const std::vector<Grant>& grants, const Circumstances& what) {
  Evidence evidence;
  for (const Grant& one : grants) evidence.beliefs.push_back(one.belief);
  evidence.stalls = what.stalls;
  Limits limits;
  limits.in_clear = static_cast<Time>(what.may_believe * kSecond);
  const Verdict verdict = judge_beliefs(std::move(evidence), limits);
  Reading reading;
  reading.two_believed = seconds(verdict.longest_in_clear);
  reading.overlaps = verdict.overlaps;
  reading.told_lost = verdict.told_lost;
  reading.violations = verdict.violations;
  reading.longest_without = longest_without(grants, what);
  reading.again = again(grants, what);
  judge_nodes(grants, what, reading);
  return reading;
}

}  // namespace numpool_test
