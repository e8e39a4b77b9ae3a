#include "core/rest.h"

namespace numpool {

namespace {

constexpr RestKind kKinds[kRestKinds] = {RestKind::kCooling, RestKind::kMourning};

RestKind kind_of(const Slot& slot) noexcept {
  return slot.state == LeaseState::kCooling ? RestKind::kCooling : RestKind::kMourning;
}

SlotList& list_of(Pool& pool, RestKind kind) noexcept {
  return pool.rests[static_cast<int>(kind)];
}

// When the rest of the first of a list that is not empty is over.
std::int64_t end_of_first(Region region, Pool& pool, RestKind kind) noexcept {
  return end_of_rest(pool, pool.slot(region, list_of(pool, kind).first()));
}

void end_rest(Region region, Pool& pool, std::uint32_t index) noexcept {
  Slot& slot = pool.slot(region, index);
  remove(region, pool, list_of(pool, kind_of(slot)), index);
  slot.state = LeaseState::kHeld;
  --pool.resting;
}

}  // namespace

void take_out(Region region, Pool& pool, std::uint32_t index) noexcept {
  if (is_resting(pool.slot(region, index)))
    end_rest(region, pool, index);
  else if (may_be_free(region, pool, index))
    make_unfree(region, pool, index);
}

void put_to_rest_from(Region region, Pool& pool, std::uint32_t first,
                      std::int64_t monotonic) noexcept {
  const SlotList& mourning = list_of(pool, RestKind::kMourning);
  if (!mourning.empty()) {
    const std::int64_t latest = pool.slot(region, mourning.last()).rests_from;
    if (monotonic < latest) monotonic = latest;
  }
  for (std::uint32_t index = first; index < pool.size; ++index) {
    if (!is_available(pool.slot(region, index))) continue;
    if (may_be_free(region, pool, index)) make_unfree(region, pool, index);
    begin_rest(region, pool, index, RestKind::kMourning, monotonic);
  }
}

bool pool_end_rests(Region region, Pool& pool, std::int64_t monotonic,
                    std::uint32_t at_most) noexcept {
  for (const RestKind kind : kKinds) {
    while (!list_of(pool, kind).empty() && end_of_first(region, pool, kind) <= monotonic) {
      if (at_most-- == 0) return true;
      const std::uint32_t index = list_of(pool, kind).first();
      end_rest(region, pool, index);
      if (may_be_free(region, pool, index)) make_free(region, pool, index);
    }
  }
  return false;
}

std::int64_t end_of_rest(const Pool& pool, const Slot& slot) noexcept {
  return slot.rests_from + rest_of(pool.settings, kind_of(slot));
}

std::int64_t next_rest_end(Region region, Pool& pool) noexcept {
  std::int64_t next = INT64_MAX;
  for (const RestKind kind : kKinds) {
    if (list_of(pool, kind).empty()) continue;
    const std::int64_t end = end_of_first(region, pool, kind);
    if (end < next) next = end;
  }
  return next;
}

}  // namespace numpool
