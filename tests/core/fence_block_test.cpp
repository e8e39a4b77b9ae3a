// Where a draw begins, and what is let in on it.
#include <doctest/doctest.h>

#include <cstdint>

#include "core/fence_block.h"

using namespace numpool;

namespace {

constexpr std::int64_t kNow = std::int64_t{27} * 365 * fence::kDay;
constexpr FenceOrigin kHere = {77, 3};
constexpr std::uint32_t kSource = 16400;

// As if the draw had ended at `limit`.
FenceSource source_at(std::int64_t limit, FenceOrigin origin = kHere) {
  return {limit, origin, true};
}

std::int64_t start_of(const FenceSource& source, std::int64_t clock = kNow,
                      std::int64_t floor = 0) {
  return plan_draw(source, kHere, clock, floor, 10).start;
}

FenceWish wish_of(Assurance assurance = Assurance::kLocal, bool defined = false) {
  FenceWish wish = {};
  wish.source = kSource;
  wish.assurance = assurance;
  wish.standbys_are_defined = defined;
  wish.reserve = 100;
  wish.now = wish.undefined_since = kNow;
  return wish;
}

// Draws and installs.
void extend(FenceBlock& block, const FenceWish& wish, FenceSource& source, std::uint64_t position) {
  REQUIRE(block.advise(wish).step == FenceStep::kDraw);
  const FenceDraw draw =
      plan_draw(source, kHere, kNow, block.floor(wish.at_least), block.draw_count(wish));
  source = source_at(draw.limit);
  block.drawn(draw, wish, position);
  const FenceAdvice advice = block.advise(wish);
  REQUIRE(advice.step == FenceStep::kAwait);
  REQUIRE(advice.position == position);
  block.assured(position, advice.assurance);
}

}  // namespace

TEST_CASE("a draw begins where the last one ended, at the clock, or at the floor") {
  CHECK(start_of(source_at(kNow - 5)) == kNow);
  CHECK(start_of(source_at(kNow + 5)) == kNow + 5);
  CHECK(start_of(source_at(kNow + 5), kNow, kNow + 9) == kNow + 9);
  CHECK(start_of(source_at(kNow + 5), kNow - fence::kDay) == kNow + 5);
  CHECK(plan_draw(source_at(5), kHere, kNow, 0, 10).limit == kNow + 10);
}

TEST_CASE("a draw on another timeline, or another server, jumps") {
  const std::int64_t jumped = kNow + fence::kJump + 3 * fence::kTimelineStep;
  CHECK(start_of(source_at(5, {77, 2})) == jumped);
  CHECK(start_of(source_at(5, {77, 4})) == jumped);
  CHECK(start_of(source_at(5, {78, 3})) == jumped);
  SUBCASE("above what is far ahead, the further the more timelines lie between") {
    CHECK(start_of(source_at(jumped, {77, 2})) == jumped + fence::kTimelineStep);
    CHECK(start_of(source_at(jumped, {77, 1})) == jumped + 2 * fence::kTimelineStep);
    CHECK(start_of(source_at(jumped, {78, 1})) == jumped + fence::kTimelineStep);
  }
  SUBCASE("as does the first one") {
    CHECK(start_of({1, {0, 0}, false}) == jumped);
  }
}

TEST_CASE("a clock that is wrong by centuries uses little up") {
  CHECK(start_of(source_at(5), INT64_MAX) == fence::kLatestClock);
  CHECK(fence::kMostAdvance < std::int64_t{1} << 53);
}

TEST_CASE("one draw is under way at a time") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  const FenceWish strict = wish_of(Assurance::kFlushed, true);
  REQUIRE(block.advise(strict).step == FenceStep::kDraw);
  block.drawn(plan_draw(source, kHere, kNow, 0, block.draw_count(strict)), strict, 7);
  for (int who = 0; who < 3; ++who) {
    const FenceAdvice advice = block.advise(strict);
    CHECK(advice.step == FenceStep::kAwait);
    CHECK(advice.position == 7);
    CHECK(advice.assurance == Assurance::kFlushed);
  }
  SUBCASE("whoever finds it safe installs it, for all") {
    block.assured(7, Assurance::kFlushed);
    CHECK(block.covers(strict));
    CHECK(!block.covers(wish_of(Assurance::kApplied, true)));
  }
  SUBCASE("who does not wait for standbys has it at once, for himself") {
    CHECK(block.advise(wish_of()).assurance == Assurance::kLocal);
    block.assured(7, Assurance::kLocal);
    CHECK(block.covers(wish_of()));
    CHECK(!block.covers(strict));
    CHECK(block.advise(strict).step == FenceStep::kAwait);
  }
  SUBCASE("a position before it confirms nothing") {
    block.assured(6, Assurance::kApplied);
    CHECK(!block.covers(wish_of()));
  }
}

TEST_CASE("who was let in relies on the next draw as well") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  extend(block, wish_of(Assurance::kFlushed, true), source, 7);
  block.next = block.limit - 100;
  const FenceWish mine = wish_of(Assurance::kLocal, true);
  REQUIRE(block.advise(mine).step == FenceStep::kDraw);
  block.drawn(plan_draw(source, kHere, kNow, block.floor(0), 1000), mine, 9);
  CHECK(block.advise(mine).assurance == Assurance::kFlushed);
  block.assured(9, Assurance::kLocal);
  CHECK(!block.covers(mine));
  block.assured(9, Assurance::kFlushed);
  CHECK(block.covers(mine));
}

TEST_CASE("standbys that are not defined any more confirm nothing for a while") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  const FenceWish strict = wish_of(Assurance::kFlushed, true);
  REQUIRE(block.advise(strict).step == FenceStep::kDraw);
  block.drawn(plan_draw(source, kHere, kNow, 0, 1000), strict, 7);
  FenceWish undefined = wish_of(Assurance::kFlushed, false);
  CHECK(block.advise(undefined).step == FenceStep::kPause);
  CHECK(block.advise(undefined).until == kNow + fence::kUndefinedGrace);
  undefined.now += fence::kUndefinedGrace - 1;
  CHECK(block.advise(undefined).step == FenceStep::kPause);
  SUBCASE("then they are not asked for") {
    undefined.now += 1;
    CHECK(block.advise(undefined).assurance == Assurance::kLocal);
    block.assured(7, Assurance::kLocal);
    CHECK(block.covers(undefined));
  }
  SUBCASE("unless they come back") {
    CHECK(block.advise(strict).step == FenceStep::kAwait);
    CHECK(!block.covers(undefined));
  }
  SUBCASE("who does not ask for them need not wait") {
    CHECK(block.advise(wish_of()).step == FenceStep::kAwait);
  }
}

TEST_CASE("what is left of a block is given before the next one, and nothing is lost between") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  const FenceWish wish = wish_of();
  extend(block, wish, source, 1);
  const std::int64_t first = block.next;
  std::int64_t expected = first;
  std::int64_t draws = 1;
  // A hundred million grants by who wants to use fences up.
  while (expected < first + 100000000) {
    if (!block.covers(wish)) extend(block, wish, source, static_cast<std::uint64_t>(++draws));
    const std::int64_t many = block.limit - block.next - wish.reserve;
    REQUIRE(block.next.fetch_add(many) == expected);
    expected += many;
  }
  CHECK(draws < 35);
  CHECK(source.limit - expected <= fence::kMostDraw);
}

TEST_CASE("an arrival is let in only while there is a fence for all that may have been") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  FenceWish wish = wish_of();
  extend(block, wish, source, 1);
  block.next = block.limit - 101;
  CHECK(block.covers(wish));
  block.next = block.limit - 100;
  CHECK(!block.covers(wish));
  SUBCASE("more of them need a larger draw") {
    wish.reserve = 10 * fence::kLeastDraw;
    extend(block, wish, source, 2);
    CHECK(block.covers(wish));
  }
}

TEST_CASE("fences are advanced past what is asked for, and never back") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  extend(block, wish_of(), source, 1);
  FenceWish wish = wish_of();
  SUBCASE("far beyond the block") {
    wish.at_least = block.limit + 1000;
  }
  SUBCASE("into it") {
    wish.at_least = block.next + 1;
  }
  extend(block, wish, source, 2);
  CHECK(block.next >= wish.at_least);
  CHECK(block.covers(wish_of()));
  wish.at_least = 1;
  CHECK(block.advise(wish).step == FenceStep::kCovered);
}

TEST_CASE("a source that is made anew continues above the other") {
  FenceBlock block = {};
  FenceSource source = {1, {0, 0}, false};
  extend(block, wish_of(), source, 1);
  const std::int64_t given = block.next.fetch_add(1);
  FenceWish other = wish_of();
  other.source = kSource + 1;
  CHECK(!block.covers(other));
  FenceSource fresh = {1, {0, 0}, false};
  extend(block, other, fresh, 2);
  CHECK(block.next > given);
  CHECK(block.covers(other));
  CHECK(!block.covers(wish_of()));
}
