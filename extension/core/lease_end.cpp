#include "core/lease_end.h"

namespace numpool {

namespace {

LeaseEnd end_of_token(Region region, Pool& pool, TimedRecord& record, const GrantContext& context,
                      WakeList& wake) noexcept {
  mark_ended(pool, record);
  if (record.user != 0) return LeaseEnd::kLater;
  timed_end(region, pool, record, EndKind::kBad, context, wake);
  return LeaseEnd::kEnded;
}

}  // namespace

LeaseEnd pool_end_lease(Region region, Pool& pool, std::uint32_t index, std::int64_t fence,
                        const GrantContext& context, WakeList& wake, SessionId* holder) noexcept {
  *holder = 0;
  if (index >= chunk::capacity(pool.chunk_count)) return LeaseEnd::kGone;
  const Slot& slot = pool.slot(region, index);
  if (slot.holder == 0 || slot.fence != fence) return LeaseEnd::kGone;
  if (slot.holder == kTokenHolder)
    return end_of_token(region, pool, *region.at<TimedRecord>(slot.owner_tag), context, wake);
  ++pool.counters.ended;
  *holder = slot.holder;
  pool_release(region, pool, index, EndKind::kBad, context, wake);
  return LeaseEnd::kEnded;
}

}  // namespace numpool
