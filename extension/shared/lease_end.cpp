#include "shared/lease_end.h"

#include "shared/session.h"

namespace numpool {

LeaseEnd end_lease(LivePool& live, std::uint32_t index, std::int64_t fence, WakeList& wake) {
  const TimestampTz now = GetCurrentTimestamp();
  GrantContext context = grant_context(live, now);
  if (index < chunk::capacity(live.pool.chunk_count)) {
    const Session* had = find_session(live.pool.slot(region(), index).holder);
    if (had != nullptr) context.last = {now, had->pid, had->role, LastEnd::kEnded};
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

}  // namespace numpool
