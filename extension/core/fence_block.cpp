#include "core/fence_block.h"

namespace numpool {

namespace {

template <typename T>
T greater(T a, T b) noexcept {
  return a < b ? b : a;
}

template <typename T>
T lesser(T a, T b) noexcept {
  return b < a ? b : a;
}

std::int64_t steps_ahead(std::uint32_t count) noexcept {
  return lesser(count, fence::kMostSteps) * fence::kTimelineStep;
}

}  // namespace

FenceDraw plan_draw(const FenceSource& source, const FenceOrigin& drawer, std::int64_t clock,
                    std::int64_t floor, std::int64_t count) noexcept {
  std::int64_t least = source.used ? source.limit : 1;
  std::int64_t ahead = lesser(clock, fence::kLatestClock);
  const bool same_system = source.used && source.origin.system == drawer.system;
  if (!same_system || source.origin.timeline != drawer.timeline) {
    const bool later = same_system && source.origin.timeline < drawer.timeline;
    least += steps_ahead(later ? drawer.timeline - source.origin.timeline : 1);
    ahead += fence::kJump + steps_ahead(drawer.timeline);
  }
  const std::int64_t start = greater(greater(least, floor), ahead);
  return {start, start + count};
}

bool FenceBlock::has_numbers(const FenceWish& wish) const noexcept {
  // NB: the limit first: who sees a new one sees the `next` that came before it.
  const std::int64_t end = limit.load(std::memory_order_acquire);
  const std::int64_t at = next.load(std::memory_order_relaxed);
  return end - at > wish.reserve && at >= wish.at_least &&
         source.load(std::memory_order_relaxed) == wish.source;
}

bool FenceBlock::covers(const FenceWish& wish) const noexcept {
  if (!has_numbers(wish)) return false;
  // NB: last: who sees what is known of a new block takes its numbers.
  const Assurance known = assured_as.load(std::memory_order_acquire);
  return known >= wish.assurance ||
         (!wish.standbys_are_defined && asked.load(std::memory_order_relaxed) == Assurance::kLocal);
}

FenceAdvice FenceBlock::advise(const FenceWish& wish) noexcept {
  const Assurance asked_before = asked.load(std::memory_order_relaxed);
  if (wish.standbys_are_defined)
    asked.store(greater(asked_before, wish.assurance), std::memory_order_relaxed);

  const bool installed = has_numbers(wish);
  const bool pends = !installed && pending.limit != 0 && pending_source == wish.source;
  if (!installed && !pends) return {FenceStep::kDraw, 0, Assurance::kLocal, 0};

  const Assurance known =
      installed ? assured_as.load(std::memory_order_relaxed) : Assurance::kLocal;
  Assurance needed = pends ? greater(wish.assurance, demanded) : wish.assurance;
  if (!wish.standbys_are_defined && known < needed) {
    // That there are none any more confirms nothing to who asked them. It is believed if it lasts.
    const std::int64_t until = wish.undefined_since + fence::kUndefinedGrace;
    if (asked_before > Assurance::kLocal && wish.now < until)
      return {FenceStep::kPause, 0, needed, until};
    demanded = needed = Assurance::kLocal;
    asked.store(Assurance::kLocal, std::memory_order_relaxed);
    assured_as.store(Assurance::kLocal, std::memory_order_relaxed);
  }
  if (installed && known >= needed) return {FenceStep::kCovered, 0, known, 0};
  return {FenceStep::kAwait, installed ? position : pending_position, needed, 0};
}

std::int64_t FenceBlock::floor(std::int64_t at_least) const noexcept {
  return greater(greater(limit.load(std::memory_order_relaxed), pending.limit), at_least);
}

std::int64_t FenceBlock::draw_count(const FenceWish& wish) const noexcept {
  const std::int64_t least = fence::kLeastDraw + 2 * wish.reserve;
  const bool is_next = limit.load(std::memory_order_relaxed) != 0 && wish.at_least == 0 &&
                       source.load(std::memory_order_relaxed) == wish.source;
  return is_next ? greater(least, lesser(2 * count, fence::kMostDraw)) : least;
}

void FenceBlock::drawn(const FenceDraw& draw, const FenceWish& wish, std::uint64_t at) noexcept {
  pending = draw;
  pending_source = wish.source;
  pending_skips = wish.at_least != 0;
  pending_position = at;
  count = draw.limit - draw.start;
}

void FenceBlock::install(Assurance assurance) noexcept {
  const bool goes_on = pending.start == limit.load(std::memory_order_relaxed) && !pending_skips;
  if (assured_as.load(std::memory_order_relaxed) > assurance)
    assured_as.store(assurance, std::memory_order_relaxed);
  source.store(pending_source, std::memory_order_relaxed);
  if (!goes_on) next.store(pending.start, std::memory_order_relaxed);
  limit.store(pending.limit, std::memory_order_release);
  assured_as.store(assurance, std::memory_order_release);
  position = pending_position;
  pending = {0, 0};
}

void FenceBlock::assured(std::uint64_t upto, Assurance assurance) noexcept {
  const bool installs = pending.limit != 0 && pending_position <= upto && assurance >= demanded;
  if (!installs && (limit.load(std::memory_order_relaxed) == 0 || position > upto)) return;
  if (installs)
    install(assurance);
  else if (assured_as.load(std::memory_order_relaxed) < assurance)
    assured_as.store(assurance, std::memory_order_release);
  // Somebody is let in who relies on it, and may wait for his turn into the next block.
  demanded = greater(demanded, assurance);
}

}  // namespace numpool
