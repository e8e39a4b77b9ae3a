// Each kind of fault at the client's end is found when it is planted, and what may be is not.
#include <doctest/doctest.h>

#include "torture/edges/belief.h"

using namespace numpool_test;

namespace {

constexpr Time kSecond = 1000000000;
constexpr Time operator""_s(unsigned long long seconds) {
  return static_cast<Time>(seconds) * kSecond;
}
constexpr Time operator""_ms(unsigned long long milliseconds) {
  return static_cast<Time>(milliseconds) * (kSecond / 1000);
}

Belief belief(int door, std::int64_t fence, Time begin, Time end) {
  return {0, 3, fence, door, begin, end, false};
}

Haze silence(int door, Time from, Time until) {
  return {door, from, until, kNever, "silence"};
}

bool finds(const Evidence& evidence, const std::string& kind) {
  const Verdict verdict = judge_beliefs(evidence, Limits());
  return verdict.violations.size() == 1 && verdict.violations[0].find(kind + ": ") == 0;
}

bool sound(const Evidence& evidence) {
  return judge_beliefs(evidence, Limits()).violations.empty();
}

}  // namespace

TEST_CASE("one after the other is sound") {
  CHECK(sound({{belief(1, 7, 10_s, 20_s), belief(2, 8, 20_s, 30_s)}, {}, {}}));
  CHECK(sound({{belief(2, 8, 20_s, 30_s), belief(1, 7, 10_s, 20_s)}, {}, {}}));
}

TEST_CASE("two believers where the way is clear: a second") {
  CHECK(sound({{belief(1, 7, 10_s, 20_s), belief(2, 8, 19100_ms, 30_s)}, {}, {}}));
  CHECK(finds({{belief(1, 7, 10_s, 20_s), belief(2, 8, 18900_ms, 30_s)}, {}, {}},
              "two believe for too long"));
  // Another's haze, and one that is over, are no excuse.
  CHECK(finds({{belief(1, 7, 100_s, 120_s), belief(2, 8, 118_s, 130_s)},
               {silence(2, 110_s, 120_s), silence(1, 60_s, 70_s)},
               {}},
              "two believe for too long"));
}

TEST_CASE("it ends with the older one's belief, not with the newer one's") {
  CHECK(finds({{belief(1, 7, 10_s, 20_s), belief(2, 8, 12_s, 12_s)}, {}, {}},
              "two believe for too long"));
}

TEST_CASE("the older one need not be the neighbour") {
  const Verdict verdict = judge_beliefs(
      {{belief(1, 7, 10_s, 20_s), belief(2, 8, 12_s, 13_s), belief(3, 9, 14_s, 15_s)}, {}, {}},
      Limits());
  CHECK(verdict.violations.size() == 2);
  CHECK(verdict.overlaps == 2);
}

TEST_CASE("two believers where nothing got through: 15 s and the grace") {
  const std::vector<Haze> hazes = {silence(1, 100_s, 140_s)};
  CHECK(sound({{belief(1, 7, 90_s, 115_s), belief(2, 8, 100_s, 130_s)}, hazes, {}}));
  const Evidence late = {{belief(1, 7, 90_s, 117_s), belief(2, 8, 100_s, 130_s)}, hazes, {}};
  const Verdict verdict = judge_beliefs(late, Limits());
  CHECK(verdict.violations.size() == 2);  // also told of its loss too late
  CHECK(verdict.longest_in_haze == 17_s);
}

TEST_CASE("a delay adds itself to the second") {
  const std::vector<Haze> hazes = {{1, 15_s, 25_s, 500_ms, "delay"}};
  CHECK(sound({{belief(1, 7, 10_s, 20_s), belief(2, 8, 18600_ms, 30_s)}, hazes, {}}));
  CHECK(finds({{belief(1, 7, 10_s, 20_s), belief(2, 8, 18400_ms, 30_s)}, hazes, {}},
              "two believe for too long"));
}

TEST_CASE("told too late of the loss, also where nobody else has the number") {
  CHECK(finds({{belief(1, 7, 90_s, 117_s)}, {silence(1, 100_s, 140_s)}, {}},
              "told of its loss too late, or never"));
  CHECK(finds({{belief(1, 7, 90_s, 300_s)}, {silence(1, 100_s, kNever)}, {}},
              "told of its loss too late, or never"));
  CHECK(sound({{belief(1, 7, 90_s, 300_s)}, {silence(1, 100_s, 114_s)}, {}}));
}

TEST_CASE("a grant that is told when another has had it meanwhile") {
  CHECK(sound({{belief(1, 7, 12900_ms, 13_s), belief(2, 8, 12_s, 12100_ms)}, {}, {}}));
  CHECK(finds({{belief(1, 7, 14_s, 15_s), belief(2, 8, 12_s, 12100_ms)}, {}, {}},
              "told of its grant too late"));
}

TEST_CASE("the same fence twice") {
  CHECK(finds({{belief(1, 7, 10_s, 11_s), belief(2, 7, 12_s, 13_s)}, {}, {}}, "a fence twice"));
}

TEST_CASE("time in which the judge stood still is not counted") {
  CHECK(sound({{belief(1, 7, 10_s, 20_s), belief(2, 8, 18_s, 30_s)}, {}, {{18500_ms, 19600_ms}}}));
  CHECK(finds(
      {{belief(1, 7, 10_s, 20_s), belief(2, 8, 18_s, 30_s)}, {}, {{16_s, 17_s}, {19_s, 19900_ms}}},
      "two believe for too long"));
}
