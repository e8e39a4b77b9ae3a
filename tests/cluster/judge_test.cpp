// What a cluster may not do is found when it is planted, and what it may is not.
#include <doctest/doctest.h>

#include "cluster/judge.h"

using namespace numpool_test;

namespace {

constexpr Time operator""_s(unsigned long long seconds) {
  return static_cast<Time>(seconds) * 1000000000;
}

Grant grant(int node, std::int64_t fence, Time begin, Time end) {
  return {{0, 3, fence, 0, begin, end, false}, node};
}

// The primary moves from node 0 to node 1 at 20 s.
Circumstances failover(double may_believe) {
  return {20_s, 60_s, 0, 1, {}, may_believe};
}

}  // namespace

TEST_CASE("a number that waits for the next primary is sound, and how long it took is told") {
  const Reading reading =
      judge_grants({grant(0, 5, 10_s, 20_s), grant(1, 900, 31_s, 60_s)}, failover(1));
  CHECK(reading.violations.empty());
  CHECK(reading.two_believed == 0);
  CHECK(reading.again == 11);
  CHECK(reading.longest_without == 29);
}

TEST_CASE("two believe for no longer than they may") {
  const std::vector<Grant> grants = {grant(0, 5, 10_s, 34_s), grant(1, 900, 31_s, 60_s)};
  CHECK(judge_grants(grants, failover(1)).violations.size() == 1);
  const Reading reading = judge_grants(grants, failover(4));
  CHECK(reading.violations.empty());
  CHECK(reading.two_believed == 3);
  CHECK(reading.overlaps == 1);
}

TEST_CASE("what the former primary gives later is smaller") {
  // It goes on while there is another one: 7 after 900, and never larger.
  const Grant lasting = grant(0, 5, 10_s, 20_s), next = grant(1, 900, 31_s, 35_s);
  const Grant stray = grant(0, 7, 33_s, 34_s), bold = grant(0, 901, 36_s, 37_s);
  CHECK(judge_grants({lasting, next, stray}, failover(30)).violations.empty());
  CHECK(judge_grants({lasting, next, bold}, failover(30)).violations.size() == 1);
}

TEST_CASE("a grant of the former primary is not the time of the next ones") {
  const Reading reading = judge_grants(
      {grant(0, 5, 10_s, 20_s), grant(0, 7, 22_s, 23_s), grant(1, 900, 31_s, 60_s)}, failover(1));
  CHECK(reading.again == 11);
  CHECK(reading.longest_without == 29);
}

TEST_CASE("without a new grant there is no time of it") {
  CHECK(judge_grants({grant(0, 5, 10_s, 60_s)}, failover(1)).again == -1);
}
