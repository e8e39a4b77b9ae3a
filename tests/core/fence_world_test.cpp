// Fences are larger, whatever happens to the servers that give them; and what would break that is
// found. NUMPOOL_TEST_SEED=n tries others.
#include <doctest/doctest.h>

#include <cstdlib>

#include "fence_world.h"

using numpool_test::Bug;
using numpool_test::FenceWorld;

namespace {

std::uint64_t seed_from_environment() {
  const char* const text = std::getenv("NUMPOOL_TEST_SEED");
  return text == nullptr ? 20240601 : std::strtoull(text, nullptr, 10);
}

constexpr int kWorlds = 1500;
constexpr int kSteps = 800;

// Whether some world meets the bug.
bool is_found(Bug bug, bool clocks_step) {
  for (std::uint64_t world = 0; world < kWorlds; ++world) {
    FenceWorld one({seed_from_environment() + world, bug, clocks_step});
    for (int step = 0; step < kSteps; ++step)
      if (!one.step()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("every fence is larger than all before, over a million things that happen") {
  FenceWorld::Seen seen = {};
  for (std::uint64_t world = 0; world < kWorlds; ++world) {
    FenceWorld one({seed_from_environment() + world, Bug::kNone, world % 4 == 0});
    for (int step = 0; step < kSteps; ++step)
      if (!one.step()) FAIL("world " << world << ", step " << step << ": " << one.problem());
    seen.grants += one.seen().grants;
    seen.draws += one.seen().draws;
    seen.crashes += one.seen().crashes;
    seen.promotions += one.seen().promotions;
    seen.old_side_grants += one.seen().old_side_grants;
    seen.templates += one.seen().templates;
    seen.drops += one.seen().drops;
    seen.copies += one.seen().copies;
    seen.strict_waits += one.seen().strict_waits;
    seen.undefined += one.seen().undefined;
  }
  CHECK(seen.grants > 50000);
  CHECK(seen.draws > 10000);
  CHECK(seen.crashes > 1000);
  CHECK(seen.promotions > 1000);
  CHECK(seen.old_side_grants > 1000);
  CHECK(seen.templates > 1000);
  CHECK(seen.drops > 1000);
  CHECK(seen.copies > 100);
  CHECK(seen.strict_waits > 1000);
  CHECK(seen.undefined > 1000);
}

TEST_CASE("what would break it is found") {
  CHECK(is_found(Bug::kGivesBeforeFlush, false));
  CHECK(is_found(Bug::kLogsAhead, true));
  CHECK(is_found(Bug::kNoTimeline, false));
  CHECK(is_found(Bug::kNoClock, false));
  CHECK(is_found(Bug::kClockAlone, true));
  CHECK(is_found(Bug::kForgetsDropped, true));
  CHECK(is_found(Bug::kDrawersSetting, false));
  CHECK(is_found(Bug::kUndefinedIsConfirmed, false));
  CHECK(is_found(Bug::kSmallReserve, false));
}
