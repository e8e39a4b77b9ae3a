#include "shared/lease_end.h"

#include "core/hold_limit.h"
#include "shared/session.h"

namespace numpool {

LeaseEnd end_lease(LivePool& live, std::uint32_t index, std::int64_t fence, LastEnd how,
                   WakeList& wake) {
  const TimestampTz now = GetCurrentTimestamp();
  GrantContext context = grant_context(live, now);
  context.last.how = how;
  if (index < chunk::capacity(live.pool.chunk_count)) {
    const Session* had = find_session(live.pool.slot(region(), index).holder);
    if (had != nullptr) context.last = {now, had->pid, had->role, how};
  }
  SessionId holder;
  const LeaseEnd end = pool_end_lease(region(), live.pool, index, fence, context, wake, &holder);
  Session* session = find_session(holder);
  if (session == nullptr) return end;
  // NB: under the pool's lock; whoever sees the mark then sees that the slot is not its own.
  session->lost_leases.store(true, std::memory_order_release);
  if (session->listens.load(std::memory_order_acquire)) wake.add(holder, WaiterKind::kTicket);
  return end;
}

bool end_overheld(LivePool& live, WakeList& wake) {
  const std::int64_t now = monotonic_now();
  // Each end wakes two at most: who has lost the lease, and who gets the number.
  for (std::uint32_t left = kHoldBatch; wake.room() >= 2;) {
    const std::uint32_t index = next_overheld(region(), live.pool, now, &left);
    if (index == Bitmap::kNone) return live.pool.hold.due <= now;
    end_lease(live, index, live.pool.slot(region(), index).fence, LastEnd::kOverheld, wake);
  }
  return live.pool.hold.due <= now;
}

}  // namespace numpool
