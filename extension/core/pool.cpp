#include "core/pool.h"

namespace numpool {

namespace {

void fill_slot(Slot& slot, const Claim& claim, LeaseState state,
               const GrantContext& context) noexcept {
  slot.holder = claim.session;
  slot.fence = context.fence.fetch_add(1, std::memory_order_relaxed);
  slot.acquired_at = context.now;
  slot.owner_tag = claim.owner_tag;
  slot.scope = claim.scope;
  slot.state = state;
  slot.set_ticket(claim.ticket);
}

// Places that one hand-off ends at most; one that is due and is granted all the same passes on.
constexpr std::uint32_t kMaxDuePlaces = 64;

// Ends the places at the head of the queue whose time is over: nobody will come for them.
void end_due_places(Region region, Pool& pool, const GrantContext& context) noexcept {
  for (std::uint32_t i = 0; i < kMaxDuePlaces && pool.queue.length != 0; ++i) {
    const Waiter& waiter = *region.at<Waiter>(pool.queue.head);
    if (waiter.kind != WaiterKind::kPlace) return;
    TimedRecord& record = *region.at<TimedRecord>(waiter.owner_tag);
    if (!is_due(record, context.monotonic)) return;
    ++pool.counters.timeouts;
    pool.tokens.end_place(region, pool.queue, record);
  }
}

// The place has a number, which its caller, if it has one, is woken for.
void offer(Pool& pool, Region region, Waiter& waiter, WakeList& wake) noexcept {
  TimedRecord& record = *region.at<TimedRecord>(waiter.owner_tag);
  record.index = waiter.index;
  record.fence = waiter.fence;
  record.state.store(TimedState::kOffered, std::memory_order_relaxed);
  pool.slot(region, waiter.index).state = LeaseState::kGranted;
  if (record.user != 0) wake.add(record.user, WaiterKind::kBlocking);
}

void count_handoff(Region region, Pool& pool, std::int64_t waited) noexcept {
  ++pool.counters.grants;
  ++pool.counters.handoffs;
  pool.counters.wait_total += waited;
  if (waited > pool.counters.wait_longest) pool.counters.wait_longest = waited;
  if (pool.wait_histogram != 0) region.at<WaitHistogram>(pool.wait_histogram)->add(waited);
}

// Gives `index`, which is in nobody's hands and not in the free set, to the head of the queue.
void grant_to_head(Region region, Pool& pool, std::uint32_t index, const GrantContext& context,
                   WakeList& wake) noexcept {
  Waiter& waiter = *region.at<Waiter>(pool.queue.head);
  pool.queue.leave(region, waiter);
  Slot& slot = pool.slot(region, index);
  fill_slot(slot, {waiter.session, waiter.owner_tag, waiter.scope, waiter.ticket},
            waiter.kind == WaiterKind::kTicket ? LeaseState::kGranted : LeaseState::kHeld, context);
  waiter.index = index;
  waiter.fence = slot.fence;

  count_handoff(region, pool, context.now > waiter.since ? context.now - waiter.since : 0);

  const WaiterKind kind = waiter.kind;
  if (kind == WaiterKind::kPlace)
    offer(pool, region, waiter, wake);
  else
    wake.add(waiter.session, kind);
  // NB: a blocking waiter's record may be reused as soon as the state is seen; a ticket's once it
  // is taken from the inbox. Nothing of it is touched after that.
  waiter.state.store(WaiterState::kGranted, std::memory_order_release);
  if (kind == WaiterKind::kTicket) inbox_push(region, waiter);
}

// Puts the number into the free set or takes it out, as it is to be while nobody holds it.
void settle_unheld(Region region, Pool& pool, std::uint32_t index) noexcept {
  if (index >= pool.size || pool.slot(region, index).holder != 0) return;
  FreeSet free_set = pool.free_set(region);
  const bool is_free = free_set.contains(index);
  if (is_free == may_be_free(region, pool, index)) return;
  if (is_free) {
    free_set.erase(index);
    --pool.free;
  } else {
    free_set.insert(index);
    ++pool.free;
  }
}

// What a growth to `size` takes of `growth`.
void link_growth(Region region, Pool& pool, std::uint32_t size, Growth& growth) noexcept {
  const std::uint32_t count = chunk::count_for(size);
  for (std::uint32_t page = 0; page < pages_for(count); ++page) {
    if (pool.pages[page] != 0) continue;
    pool.pages[page] = growth.pages[page];
    growth.pages[page] = 0;
  }
  for (; pool.chunk_count < count; ++pool.chunk_count) {
    pool.chunk_link(region, pool.chunk_count) = growth.chunks[pool.chunk_count];
    growth.chunks[pool.chunk_count] = 0;
  }
  if (size <= pool.free_memory.capacity) return;
  pool.free_set(region).grow(growth.bitmap_capacity, growth.bitmaps);
  growth.bitmap_capacity = 0;
}

}  // namespace

Offset& Pool::chunk_link(Region region, std::uint32_t k) noexcept {
  if (k < chunk::kDoubling) return chunks[k];
  const std::uint32_t link = k - chunk::kDoubling;
  return region.array_at<Offset>(pages[link / kPageLinks])[link % kPageLinks];
}

Slot& Pool::slot(Region region, std::uint32_t index) noexcept {
  const std::uint32_t k = chunk::of(index);
  const Offset link = chunk_link(region, k);
  return region.array_at<Slot>(link)[index - chunk::first_index(k)];
}

std::uint32_t bitmap_capacity_for(std::uint32_t size) noexcept {
  const std::uint32_t capacity = chunk::capacity(chunk::count_for(size));
  return capacity < Bitmap::kBitsPerWord ? Bitmap::kBitsPerWord : capacity;
}

void pool_init(Region region, Pool& pool, std::uint32_t size, const Growth& growth,
               std::int64_t now) noexcept {
  pool = Pool{};
  pool.free_memory.capacity = Bitmap::kBitsPerWord;
  pool.counters.counting_since = now;
  Growth memory = growth;
  pool_resize(region, pool, size, memory);
}

std::uint32_t pool_acquire(Region region, Pool& pool, const Claim& claim, std::uint32_t limit,
                           const GrantContext& context) noexcept {
  if (pool.queue.length != 0) return Bitmap::kNone;
  FreeSet free_set = pool.free_set(region);
  const std::uint32_t index = free_set.first();
  if (index == Bitmap::kNone || index >= limit) return Bitmap::kNone;
  free_set.erase(index);
  --pool.free;
  ++pool.in_use;
  ++pool.counters.grants;
  fill_slot(pool.slot(region, index), claim, LeaseState::kHeld, context);
  return index;
}

void pool_join(Region region, Pool& pool, Waiter& waiter, std::int64_t now) noexcept {
  waiter.since = now;
  waiter.state.store(WaiterState::kQueued, std::memory_order_release);
  pool.queue.join(region, waiter);
}

bool pool_leave(Region region, Pool& pool, Waiter& waiter, Leave why) noexcept {
  if (waiter.state.load(std::memory_order_relaxed) != WaiterState::kQueued) return false;
  if (why == Leave::kTimeout)
    ++pool.counters.timeouts;
  else
    ++pool.counters.cancels;
  pool.queue.leave(region, waiter);
  waiter.state.store(WaiterState::kIdle, std::memory_order_relaxed);
  return true;
}

bool pool_condemn(Region region, Pool& pool, Waiter& waiter, std::uint64_t serial,
                  WakeList& wake) noexcept {
  if (!is_in_wait(waiter, serial)) return false;
  ++pool.counters.deadlocks;
  pool.queue.leave(region, waiter);
  wake.add(waiter.session, waiter.kind);
  waiter.state.store(WaiterState::kVictim, std::memory_order_release);
  return true;
}

void pool_release(Region region, Pool& pool, std::uint32_t index, const GrantContext& context,
                  WakeList& wake) noexcept {
  const bool may_be_given = may_be_free(region, pool, index);
  if (may_be_given) end_due_places(region, pool, context);
  if (may_be_given && pool.queue.length != 0) {
    grant_to_head(region, pool, index, context, wake);
    return;
  }
  pool.slot(region, index).end(context.last);
  --pool.in_use;
  if (!may_be_given) return;
  pool.free_set(region).insert(index);
  ++pool.free;
}

bool pool_can_have(const Pool& pool, std::uint32_t size, const Growth& growth) noexcept {
  const std::uint32_t count = chunk::count_for(size);
  for (std::uint32_t page = 0; page < pages_for(count); ++page)
    if (pool.pages[page] == 0 && growth.pages[page] == 0) return false;
  for (std::uint32_t k = pool.chunk_count; k < count; ++k)
    if (growth.chunks[k] == 0) return false;
  const std::uint32_t had = pool.free_memory.capacity;
  if (size <= had) return true;
  const std::uint32_t capacity = growth.bitmap_capacity;
  if (capacity < size) return false;
  for (std::uint32_t i = 0; i < FreeSet::kMaxSegments; ++i) {
    const std::uint32_t wanted = FreeSet::segment_capacity(capacity, i);
    const bool has_it = had > Bitmap::kBitsPerWord && FreeSet::segment_capacity(had, i) == wanted;
    if (wanted != 0 && !has_it && growth.bitmaps[i] == 0) return false;
  }
  return true;
}

void pool_resize(Region region, Pool& pool, std::uint32_t size, Growth& growth) noexcept {
  link_growth(region, pool, size, growth);
  FreeSet free_set = pool.free_set(region);
  for (std::uint32_t index = size; index < pool.size; ++index) {
    if (!free_set.contains(index)) continue;
    free_set.erase(index);
    --pool.free;
  }
  const std::uint32_t old_size = pool.size;
  pool.size = size;
  for (std::uint32_t index = old_size; index < size; ++index) settle_unheld(region, pool, index);
}

Offset pool_set_service(Region region, Pool& pool, const OutOfService& next) noexcept {
  const OutOfService old = pool.out;
  pool.out = next;
  const auto settle_listed = [&](const OutOfService& out) {
    for (std::uint32_t i = 0; out.indexes != 0 && i < out.count; ++i)
      settle_unheld(region, pool, region.at<std::uint16_t>(out.indexes)[i]);
  };
  if (old.gives_nothing() != next.gives_nothing()) {
    for (std::uint32_t index = 0; index < pool.size; ++index) settle_unheld(region, pool, index);
  } else {
    settle_listed(old);
    settle_listed(next);
  }
  return old.indexes;
}

bool pool_serve(Region region, Pool& pool, const GrantContext& context, WakeList& wake) noexcept {
  while (pool.queue.length != 0 && pool.free != 0) {
    if (wake.full()) return true;
    end_due_places(region, pool, context);
    if (pool.queue.length == 0) break;
    FreeSet free_set = pool.free_set(region);
    const std::uint32_t index = free_set.first();
    free_set.erase(index);
    --pool.free;
    ++pool.in_use;
    grant_to_head(region, pool, index, context, wake);
  }
  return false;
}

bool pool_dismiss(Region region, Pool& pool, WakeList& wake) noexcept {
  while (pool.queue.length != 0) {
    if (wake.full()) return true;
    Waiter& waiter = *region.at<Waiter>(pool.queue.head);
    const WaiterKind kind = waiter.kind;
    if (kind == WaiterKind::kPlace) {
      // Its caller, if it has one, looks for the token and does not find it.
      TimedRecord& record = *region.at<TimedRecord>(waiter.owner_tag);
      if (record.user != 0) wake.add(record.user, WaiterKind::kBlocking);
      pool.tokens.end_place(region, pool.queue, record);
      continue;
    }
    pool.queue.leave(region, waiter);
    wake.add(waiter.session, kind);
    waiter.state.store(WaiterState::kDropped, std::memory_order_release);
    if (kind == WaiterKind::kTicket) inbox_push(region, waiter);
  }
  return false;
}

SessionId pool_sole_holder(Region region, Pool& pool) noexcept {
  if (pool.free != 0) return 0;
  SessionId first = 0;
  for (std::uint32_t index = 0; index < pool.size; ++index) {
    const SessionId holder = pool.slot(region, index).holder;
    if (holder == 0 && !pool.out.unknown && pool.out.lists(region, index)) continue;
    if (holder == 0 || (first != 0 && holder != first)) return 0;
    first = holder;
  }
  return first;
}

void pool_reset_counters(Region region, Pool& pool, std::int64_t now) noexcept {
  pool.counters = PoolCounters{};
  pool.counters.counting_since = now;
  if (pool.wait_histogram != 0) *region.at<WaitHistogram>(pool.wait_histogram) = WaitHistogram{};
}

namespace {

// I5 of tokens, I6.
const char* check_tokens(Region region, Pool& pool) noexcept {
  std::uint32_t held = 0;
  for (std::uint32_t index = 0; index < chunk::capacity(pool.chunk_count); ++index) {
    const Slot& slot = pool.slot(region, index);
    if (slot.holder != kTokenHolder) continue;
    const TimedRecord& record = *region.at<TimedRecord>(slot.owner_tag);
    const TimedState state = record.state.load(std::memory_order_relaxed);
    if (state != TimedState::kHeld && state != TimedState::kOffered)
      return "I5: the token that has a number does not hold it";
    if (record.index != index || record.fence != slot.fence)
      return "I5: the token that has a number holds another";
    if (record.user == 0 && !record.timer.is_set()) return "I6: nothing will end a timed lease";
    if (record.timer.is_set() && record.user == 0 && record.timer.due > due_of(record))
      return "I6: a timed lease will end too late";
    held += state == TimedState::kHeld ? 1 : 0;
  }
  if (held != pool.tokens.timed) return "I5: timed is not the number of timed leases";
  for (Offset at = pool.queue.head; at != 0; at = region.at<Waiter>(at)->next) {
    const Waiter& waiter = *region.at<Waiter>(at);
    if (waiter.kind != WaiterKind::kPlace) continue;
    const TimedRecord& record = *region.at<TimedRecord>(waiter.owner_tag);
    if (record.state.load(std::memory_order_relaxed) != TimedState::kPlace || record.waiter != at)
      return "I5: a place in the queue is none";
    if (record.user == 0 && !record.timer.is_set()) return "I6: nothing will end a place";
    if (record.user == 0 && record.timer.due > due_of(record))
      return "I6: a place will end too late";
  }
  std::uint32_t timers = 0;
  return check_timer_heap(region, pool.tokens.timers, &timers);
}

}  // namespace

const char* check_pool(Region region, Pool& pool) noexcept {
  FreeSet free_set = pool.free_set(region);
  std::uint32_t held = 0;
  std::uint32_t free = 0;
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  for (std::uint32_t index = 0; index < capacity; ++index) {
    const bool is_held = pool.slot(region, index).holder != 0;
    const bool is_free = index < pool.free_memory.capacity && free_set.contains(index);
    if (is_free != (!is_held && may_be_free(region, pool, index)))
      return "I1: free set and slots differ";
    held += is_held ? 1 : 0;
    free += is_free ? 1 : 0;
  }
  for (std::uint32_t index = capacity; index < pool.free_memory.capacity; ++index)
    if (free_set.contains(index)) return "I1: an index without a slot is in the free set";
  if (free != pool.free) return "I1: free is not the size of the free set";
  if (held != pool.in_use) return "I2: in_use is not the number of holders";
  if (free != 0 && pool.queue.length != 0) return "I3: an index is free while somebody waits";

  std::uint32_t length = 0;
  Offset previous = 0;
  for (Offset at = pool.queue.head; at != 0; at = region.at<Waiter>(at)->next) {
    const Waiter& waiter = *region.at<Waiter>(at);
    if (waiter.state.load() != WaiterState::kQueued)
      return "I4: a record in the queue is not queued";
    if (waiter.prev != previous) return "I4: the queue's links differ";
    previous = at;
    if (++length > pool.queue.length) return "I4: the queue is longer than its length";
  }
  if (length != pool.queue.length || previous != pool.queue.tail)
    return "I4: the queue's ends differ";
  return pool.tokens.records == 0 ? nullptr : check_tokens(region, pool);
}

}  // namespace numpool
