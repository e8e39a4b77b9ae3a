// Each kind of fault of pools that are operated is found when it is planted in a history, and what
// may be is not: grants, rest and max_hold. The rest of them is in judge_operators_test.cpp.
#include <doctest/doctest.h>

#include "torture/operate/given.h"

using namespace numpool_test::operate;
using numpool_test::Time;

namespace {

const char* const kCooldown = "given within its cooldown";
const char* const kDeath = "given within the death_delay of a bad end";
const char* const kStart = "given within death_delay after a start";
const Crash kCrash = {50_ms, 60_ms, 70_ms, 90_ms};

}  // namespace

TEST_CASE("operate: fences") {
  CHECK(finds({{grant(0, 5), grant(100_ms, 4, 1)}}, "fences against time"));
  CHECK(sound({{grant(0, 5), grant(1_ms, 4, 1)}}));
  CHECK(finds({{grant(0, 5), grant(1_ms, 5, 1)}}, "a fence twice"));
}

TEST_CASE("operate: two holders") {
  CHECK(finds({{released(grant(0, 1), 50_ms), grant(40_ms, 2)}}, "two holders"));
  CHECK(sound({{released(grant(0, 1), 50_ms), grant(49_ms, 2)}}));
  CHECK(sound({{released(grant(0, 1), 50_ms), grant(40_ms, 2, 1)}}));
  // Who came later, and was told earlier, tells when this one was granted at the latest.
  Grant slow = grant(10_ms, 2);
  slow.told = 90_ms;
  CHECK(sound({{released(grant(0, 1), 50_ms), slow}}));
  CHECK(finds({{released(grant(0, 1), 50_ms), slow, grant(30_ms, 3, 1)}}, "two holders"));
}

TEST_CASE("operate: who may have lost a lease does not surely hold it") {
  const Grant holder = released(grant(0, 1), 50_ms), next = grant(40_ms, 2);
  Grant unsure = holder;
  unsure.seen = 0;
  CHECK(finds({{unsure, next}}, "two holders"));
  CHECK(sound({{unsure, next}, {end_lease(30_ms, 1)}}));
  CHECK(sound({{unsure, next}, {end_lease(30_ms, 0)}}));
  CHECK(sound({{unsure, next}, {unknown(end_lease(30_ms, 1))}}));
  CHECK(sound({{unsure, next}, {always(0, 0, 30_ms)}}));
  CHECK(sound({{unsure, next}, {}, {{30_ms, 31_ms, 32_ms, 34_ms}}}));
  CHECK(sound({{unsure, next}, {}, {}, {{kPid + 1, 30_ms, 31_ms}}}));
  CHECK(sound({{of_token(unsure, 30_ms), next}}));
  // What a token has after a crash may be a lease that had been over before.
  const Grant token = released(of_token(grant(0, 1), 30_ms), 80_ms);
  CHECK(sound({{token, next}, {}, {{50_ms, 55_ms, 56_ms, 70_ms}}}));
  CHECK(finds({{token, next}}, "two holders"));
  // What has not ended it.
  CHECK(finds({{unsure, next}, {undone(end_lease(30_ms, 1))}}, "two holders"));
  CHECK(finds({{unsure, next}, {committed(end_lease(30_ms, 1), 60_ms)}}, "two holders"));
  CHECK(finds({{unsure, next}, {end_lease(30_ms, 9)}}, "two holders"));
  CHECK(finds({{unsure, next}, {always(0, 0, 50_ms)}}, "two holders"));
  CHECK(finds({{unsure, next}, {}, {}, {{kPid, 30_ms, 31_ms}}}, "two holders"));
  CHECK(finds({{of_token(unsure, 60_ms), next}}, "two holders"));
  // He had it still when he released it.
  CHECK(finds({{holder, next}, {always(0, 0, 30_ms)}}, "two holders"));
}

TEST_CASE("operate: cooldown") {
  const std::vector<Grant> soon = {released(grant(0, 1), 50_ms), grant(60_ms, 2)};
  CHECK(finds({soon, {always(13_ms, 0)}}, kCooldown));
  CHECK(sound({soon, {always(12_ms, 0)}}));
  CHECK(judged({soon, {always(12_ms, 0)}}, kCooldown));
  CHECK(sound({soon, {always(0, 1000_ms)}}));
  // A change counts for what rests, and takes effect at any moment of its COMMIT.
  CHECK(sound({soon, {always(100_ms, 0), settings(59_ms, 0, 0)}}));
  CHECK(sound({soon, {always(0, 0), settings(49_ms, 100_ms, 0)}}));
  CHECK(finds({soon, {always(0, 0), settings(47_ms, 100_ms, 0)}}, kCooldown));
  CHECK(finds({soon, {always(100_ms, 0), settings(63_ms, 0, 0)}}, kCooldown));
  CHECK(finds({soon, {always(100_ms, 0), undone(settings(55_ms, 0, 0))}}, kCooldown));
  CHECK(sound({soon, {always(100_ms, 0), unknown(settings(55_ms, 0, 0))}}));
  CHECK(sound({soon, {always(0, 0), unknown(settings(10_ms, 100_ms, 0))}}));
  // After a crash nothing rests on account of a release.
  CHECK(sound({soon, {always(100_ms, 0)}, {{52_ms, 53_ms, 54_ms, 56_ms}}}));
  CHECK(sound({{soon[0], grant(60_ms, 2, 1)}, {always(100_ms, 0)}}));
}

TEST_CASE("operate: death_delay") {
  const Grant next = grant(60_ms, 2);
  const auto pair = [&](const Grant& first) { return std::vector<Grant>{first, next}; };
  const std::vector<Change> delay = {always(0, 100_ms)};
  const auto with_end = [&](const Change& end) { return std::vector<Change>{delay[0], end}; };
  CHECK(finds({pair(ended(grant(0, 1), End::kSevered, 50_ms)), delay}, kDeath));
  CHECK(sound({pair(ended(grant(0, 1), End::kSevered, 50_ms)), {always(0, 12_ms)}}));
  CHECK(finds({pair(gone(grant(0, 1), 55_ms)), delay, {}, {{kPid + 1, 50_ms, 51_ms}}}, kDeath));
  CHECK(finds({pair(lost(grant(0, 1), 55_ms)), with_end(end_lease(50_ms, 1))}, kDeath));
  CHECK(finds({pair(lost(grant(0, 1), 55_ms)), {always(0, 100_ms, 50_ms)}}, kDeath));
  CHECK(finds({pair(ended(of_token(grant(0, 1), 50_ms), End::kLeft, 70_ms)), delay}, kDeath));
  // After a good end only cooldown counts, and for as long as it may have been one.
  CHECK(sound({pair(released(grant(0, 1), 50_ms)), delay}));
  Grant unsure = released(grant(0, 1), 50_ms);
  unsure.seen = 0;
  CHECK(sound({pair(unsure), with_end(end_lease(40_ms, 1))}));
  CHECK(finds({pair(ended(grant(0, 1), End::kSevered, 50_ms)), {always(100_ms, 0)}}, kCooldown));
  // With the server all ends in another way.
  CHECK(sound({pair(gone(grant(0, 1), 55_ms)), delay, {{40_ms, 45_ms, 46_ms, 55_ms}}}));
}

TEST_CASE("operate: death_delay after a start") {
  Grant next = grant(160_ms, 2);
  next.connected = 61_ms;
  CHECK(finds({{next}, {always(0, 93_ms)}, {kCrash}}, kStart));
  CHECK(sound({{next}, {always(0, 92_ms)}, {kCrash}}));
  CHECK(judged({{next}, {always(0, 92_ms)}, {kCrash}}, kStart));
  CHECK(sound({{next}, {always(1000_ms, 0)}, {kCrash}}));
  CHECK(sound({{next}, {always(0, 1000_ms), settings(100_ms, 0, 0)}, {kCrash}}));
  // A lease that a row brought back takes its number out of that, while it may be there.
  const Grant token = of_token(grant(10_ms, 1), 1000_ms);
  const auto after = [&](const Grant& before) {
    return Given{{before, next}, {always(0, 93_ms)}, {kCrash}};
  };
  CHECK(sound(after(released(token, 150_ms))));
  CHECK(finds(after(released(token, 40_ms)), kStart));
  CHECK(finds(after(released(token, 180_ms)), kStart));
  CHECK(finds(after(ended(token, End::kLeft, 55_ms)), kStart));
  CHECK(sound(after(gone(token, 150_ms))));
  next.connected = 60_ms;  // so it may have been the old server
  CHECK(sound({{next}, {always(0, 1000_ms)}, {kCrash}}));
}

TEST_CASE("operate: max_hold") {
  const auto held = [](Time released_at) {
    return std::vector<Grant>{released(grant(0, 1), released_at)};
  };
  const char* const rule = "held longer than max_hold";
  const Time limit = 102_ms + kHoldSlack;  // it was granted before 2 ms
  CHECK(finds({held(limit + 1), {always(0, 0, 100_ms)}}, rule));
  CHECK(sound({held(limit), {always(0, 0, 100_ms)}}));
  CHECK(judged({held(limit), {always(0, 0, 100_ms)}}, rule));
  CHECK(sound({held(limit + 1), {always(0, 0, 0)}}));
  CHECK(sound({held(limit + 1), {always(0, 0, 100_ms), settings(90_ms, 0, 0, 200_ms)}}));
  CHECK(sound({held(limit + 1), {always(0, 0, 0), settings(200_ms, 0, 0, 100_ms)}}));
  CHECK(finds({held(limit + 400_ms), {always(0, 0, 0), settings(200_ms, 0, 0, 100_ms)}}, rule));
  Given token = {{of_token(grant(0, 1), limit * 2)}, {always(0, 0, 100_ms)}};
  token.grants[0].seen = limit + 1;
  CHECK(sound(token));
}
