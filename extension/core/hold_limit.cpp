#include "core/hold_limit.h"

namespace numpool {

namespace {

// The look is over. It costs as much as the pool is large, and leases may end by time one by one;
// so the next one begins no sooner than would take a small part of the time: after 16 ms in the
// largest pool.
void end_look(Pool& pool, std::uint32_t capacity, std::int64_t monotonic) noexcept {
  const std::int64_t soonest = monotonic + capacity / 4;
  const std::int64_t next = pool.hold.next_due;
  pool.hold.due = next < soonest ? soonest : next;
  pool.hold.looked_at = 0;
}

}  // namespace

std::int64_t end_of_hold(const Pool& pool, const Slot& slot) noexcept {
  return slot.acquired_at - pool.hold.wall_ahead + pool.settings.max_hold;
}

std::uint32_t next_overheld(Region region, Pool& pool, std::int64_t monotonic,
                            std::uint32_t* left) noexcept {
  if (pool.hold.due > monotonic) return Bitmap::kNone;
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  if (pool.hold.looked_at == 0) pool.hold.next_due = INT64_MAX;
  for (; pool.hold.looked_at < capacity; --*left) {
    if (*left == 0) return Bitmap::kNone;
    const std::uint32_t index = pool.hold.looked_at++;
    const Slot& slot = pool.slot(region, index);
    if (slot.holder == 0 || !is_limited(pool, slot)) continue;
    const std::int64_t due = end_of_hold(pool, slot);
    if (due <= monotonic) return index;
    if (due < pool.hold.next_due) pool.hold.next_due = due;
  }
  end_look(pool, capacity, monotonic);
  return Bitmap::kNone;
}

}  // namespace numpool
