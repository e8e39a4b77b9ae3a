#include "core/timed_lease.h"

#include "core/rest.h"

namespace numpool {

namespace {

void give_slot_to_token(Region region, Pool& pool, TimedRecord& record, LeaseState state) noexcept {
  Slot& slot = pool.slot(region, record.index);
  slot.holder = kTokenHolder;
  slot.owner_tag = region.offset_of(&record);
  slot.scope = Scope::kTimed;
  slot.state = state;
  slot.set_ticket(0);
}

}  // namespace

void timed_join(Region region, Pool& pool, TimedRecord& record, std::int64_t now) noexcept {
  pool.tokens.enter(record);
  record.state.store(TimedState::kPlace, std::memory_order_relaxed);
  pool_join(region, pool, *region.at<Waiter>(record.waiter), now);
  if (record.user == 0) pool.tokens.set_timer(region, record);
}

void timed_prolong_place(Region region, Pool& pool, TimedRecord& record,
                         std::int64_t monotonic) noexcept {
  const std::int64_t lasts = record.ttl < kMaxPlaceTtl ? record.ttl : kMaxPlaceTtl;
  record.deadline = monotonic + lasts;
  // The call may have come with a smaller ttl than the one before.
  if (record.user == 0) pool.tokens.set_timer(region, record);
}

void timed_clear_user(Region region, Pool& pool, TimedRecord& record) noexcept {
  record.user = 0;
  if (record.state.load(std::memory_order_relaxed) == TimedState::kHeld)
    pool.slot(region, record.index).state = LeaseState::kHeld;
  pool.tokens.set_timer(region, record);
}

void timed_pick_up(Region region, Pool& pool, TimedRecord& record, const Claim& claim,
                   std::int64_t monotonic) noexcept {
  pool.tokens.clear_timer(region, record);
  Slot& slot = pool.slot(region, record.index);
  slot.holder = claim.session;
  slot.owner_tag = claim.owner_tag;
  slot.scope = claim.scope;
  slot.state = LeaseState::kHeld;
  // How long it was offered does not count.
  note_hold(pool, slot, monotonic);
  record.user = claim.session;
  record.fence = slot.fence;
  record.state.store(TimedState::kTaken, std::memory_order_relaxed);
}

void timed_put_back(Region region, Pool& pool, TimedRecord& record) noexcept {
  give_slot_to_token(region, pool, record, LeaseState::kGranted);
  record.learnt = true;
  record.user = 0;
  record.state.store(TimedState::kOffered, std::memory_order_relaxed);
  pool.tokens.set_timer(region, record);
}

void timed_hold(Region region, Pool& pool, TimedRecord& record, std::int64_t monotonic) noexcept {
  pool.tokens.enter(record);
  give_slot_to_token(region, pool, record, LeaseState::kHeld);
  record.fence = pool.slot(region, record.index).fence;
  record.user = 0;
  record.state.store(TimedState::kHeld, std::memory_order_relaxed);
  ++pool.tokens.timed;
  timed_renew(record, monotonic);
  pool.tokens.set_timer(region, record);
}

void timed_restore(Region region, Pool& pool, TimedRecord& record, const GrantContext& context,
                   std::int64_t fence) noexcept {
  Slot& slot = pool.slot(region, record.index);
  take_out(region, pool, record.index);
  ++pool.in_use;
  slot.fence = fence;
  slot.acquired_at = context.now;
  timed_hold(region, pool, record, context.monotonic);
}

void timed_renew(TimedRecord& record, std::int64_t monotonic) noexcept {
  record.deadline = monotonic + record.ttl;
}

void timed_count_end(Pool& pool, const TimedRecord& record) noexcept {
  const TimedState state = record.state.load(std::memory_order_relaxed);
  if (state == TimedState::kHeld && !record.ended) ++pool.counters.expired;
  if (state == TimedState::kPlace) ++pool.counters.timeouts;
}

void timed_end(Region region, Pool& pool, TimedRecord& record, EndKind end,
               const GrantContext& context, WakeList& wake) noexcept {
  const TimedState state = record.state.load(std::memory_order_relaxed);
  if (state == TimedState::kPlace) {
    pool.tokens.end_place(region, pool.queue, record);
    return;
  }
  if (state == TimedState::kHeld) --pool.tokens.timed;
  pool.tokens.become_over(region, record);
  GrantContext of_token = context;
  of_token.last = {context.now, 0, record.role, record.ended ? LastEnd::kEnded : context.last.how};
  if (state == TimedState::kOffered && !record.learnt) end = EndKind::kUnlearnt;
  pool_release(region, pool, record.index, end, of_token, wake);
}

namespace {

// Ends what is due of tokens, a batch at a time; true if there may be more.
bool end_due_tokens(Region region, Pool& pool, const GrantContext& now, WakeList& wake) noexcept {
  GrantContext context = now;
  context.last.how = LastEnd::kExpired;
  for (std::uint32_t steps = 0; pool.tokens.timers != 0; ++steps) {
    TimedRecord& record = pool.tokens.first(region);
    if (record.timer.due > context.monotonic) return false;
    if (steps == kDueBatch || wake.full()) return true;
    pool.tokens.clear_timer(region, record);
    if (record.user != 0) continue;  // its timer is set again when the user is done
    if (!is_due(record, context.monotonic)) {
      pool.tokens.set_timer(region, record);
      continue;
    }
    timed_count_end(pool, record);
    timed_end(region, pool, record, EndKind::kBad, context, wake);
  }
  return false;
}

}  // namespace

bool pool_end_due(Region region, Pool& pool, const GrantContext& context, WakeList& wake) noexcept {
  bool more = end_due_tokens(region, pool, context, wake);
  if (pool.resting == 0) return more;
  // No more than can be woken, so that all are served at once: I3 holds again when the pool is
  // unlocked, whether somebody comes for the rest of the batches soon or not.
  more |= pool_end_rests(region, pool, context.monotonic, wake.room());
  pool_serve(region, pool, context, wake);
  return more;
}

std::int64_t pool_next_due(Region region, Pool& pool) noexcept {
  std::int64_t next = pool.hold.due;
  if (pool.resting != 0) {
    const std::int64_t rest = next_rest_end(region, pool);
    if (rest < next) next = rest;
  }
  if (pool.tokens.timers == 0) return next;
  const std::int64_t due = pool.tokens.first(region).timer.due;
  return due < next ? due : next;
}

void timed_note_row(Region region, Pool& pool, TimedRecord& record) noexcept {
  pool.tokens.enter(record);
  record.state.store(TimedState::kOver, std::memory_order_relaxed);
  record.left_next = pool.tokens.left;
  pool.tokens.left = region.offset_of(&record);
}

void timed_forget_row(Region region, Pool& pool, TimedRecord& record) noexcept {
  Offset* link = &pool.tokens.left;
  while (*link != region.offset_of(&record)) link = &region.at<TimedRecord>(*link)->left_next;
  *link = record.left_next;
  pool.tokens.leave(record);
}

bool timed_end_all(Region region, Pool& pool, std::uint32_t* from) noexcept {
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  std::uint32_t ended = 0;
  for (; *from < capacity; ++*from) {
    Slot& slot = pool.slot(region, *from);
    if (slot.holder != kTokenHolder) continue;
    if (++ended > kDueBatch) return true;
    TimedRecord& record = *region.at<TimedRecord>(slot.owner_tag);
    if (record.state.load(std::memory_order_relaxed) == TimedState::kHeld) --pool.tokens.timed;
    record.row_fence = 0;
    pool.tokens.become_over(region, record);
    slot.holder = 0;
    --pool.in_use;
  }
  // Whoever is deleting such a row finds the pool gone, and leaves the record alone.
  while (pool.tokens.left != 0) {
    if (++ended > kDueBatch) return true;
    TimedRecord& record = *region.at<TimedRecord>(pool.tokens.left);
    pool.tokens.left = record.left_next;
    record.row_fence = 0;
    if (record.in_over_list.load(std::memory_order_relaxed)) {
      pool.tokens.leave(record);
      continue;
    }
    pool.tokens.become_over(region, record);
  }
  return false;
}

}  // namespace numpool
