#include "core/pool.h"

namespace numpool {

namespace {

void fill_slot(Pool& pool, Slot& slot, const Claim& claim, LeaseState state,
               const GrantContext& context) noexcept {
  slot.holder = claim.session;
  slot.fence = context.fence.fetch_add(1, std::memory_order_relaxed);
  slot.acquired_at = context.now;
  slot.owner_tag = claim.owner_tag;
  slot.scope = claim.scope;
  slot.state = state;
  slot.set_ticket(claim.ticket);
  if (claim.session != kTokenHolder) note_hold(pool, slot, context.monotonic);
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
  fill_slot(pool, slot, {waiter.session, waiter.owner_tag, waiter.scope, waiter.ticket},
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

// Puts the number into the free set or takes it out, as it is to be while nobody holds it. One that
// rests is in no other state before it has rested.
void settle_unheld(Region region, Pool& pool, std::uint32_t index) noexcept {
  if (index >= pool.size || !is_available(pool.slot(region, index))) return;
  const bool is_free = pool.free_set(region).contains(index);
  if (is_free == may_be_free(region, pool, index)) return;
  if (is_free)
    make_unfree(region, pool, index);
  else
    make_free(region, pool, index);
}

// The free index that the policy gives, or Bitmap::kNone. Where that is not below the limit, which
// only who is about to shrink the pool has, it is the lowest.
std::uint32_t choose_free(Region region, Pool& pool, std::uint32_t limit) noexcept {
  if (pool.longest_free && !pool.by_age.empty() && pool.by_age.first() < limit)
    return pool.by_age.first();
  return pool.free_set(region).first();
}

// Takes the number from its holder and puts it to rest after such an end. False: it need not rest,
// and nothing changes.
bool put_to_rest(Region region, Pool& pool, std::uint32_t index, EndKind end,
                 const GrantContext& context) noexcept {
  if (end == EndKind::kUnlearnt) return false;
  const RestKind kind = end == EndKind::kBad ? RestKind::kMourning : RestKind::kCooling;
  if (rest_of(pool.settings, kind) == 0) return false;
  pool.slot(region, index).end(context.last);
  begin_rest(region, pool, index, kind, context.monotonic);
  return true;
}

// All leases are to be looked at, since the setting is new, or may be.
void configure_hold(Pool& pool, std::int64_t now, std::int64_t monotonic) noexcept {
  // While the limit lasts, this stays: times of the slots rely on it.
  if (!pool.limits_hold) pool.hold.wall_ahead = now - monotonic;
  pool.limits_hold = pool.settings.max_hold != 0;
  pool.hold.looked_at = 0;
  pool.hold.due = pool.limits_hold && pool.in_use != 0 ? monotonic : INT64_MAX;
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

void push_back(Region region, Pool& pool, SlotList& list, std::uint32_t index) noexcept {
  pool.slot(region, index).links.previous = list.last_plus_one;
  pool.slot(region, index).links.next = SlotList::kNone;
  if (list.empty())
    list.first_plus_one = index + 1;
  else
    pool.slot(region, list.last()).links.next = index + 1;
  list.last_plus_one = index + 1;
}

void append(Region region, Pool& pool, SlotList& list, const SlotList& others) noexcept {
  if (others.empty()) return;
  if (list.empty()) {
    list = others;
    return;
  }
  pool.slot(region, list.last()).links.next = others.first_plus_one;
  pool.slot(region, others.first()).links.previous = list.last_plus_one;
  list.last_plus_one = others.last_plus_one;
}

void remove(Region region, Pool& pool, SlotList& list, std::uint32_t index) noexcept {
  const SlotLinks links = pool.slot(region, index).links;
  if (links.previous == SlotList::kNone)
    list.first_plus_one = links.next;
  else
    pool.slot(region, links.previous - 1).links.next = links.next;
  if (links.next == SlotList::kNone)
    list.last_plus_one = links.previous;
  else
    pool.slot(region, links.next - 1).links.previous = links.previous;
}

std::int64_t rest_of(const PoolSettings& settings, RestKind kind) noexcept {
  // A bad end is a release, too.
  return kind == RestKind::kMourning && settings.death_delay > settings.cooldown
             ? settings.death_delay
             : settings.cooldown;
}

void begin_rest(Region region, Pool& pool, std::uint32_t index, RestKind kind,
                std::int64_t monotonic) noexcept {
  Slot& slot = pool.slot(region, index);
  slot.holder = 0;
  slot.state = kind == RestKind::kCooling ? LeaseState::kCooling : LeaseState::kMourning;
  slot.rests_from = monotonic;
  push_back(region, pool, pool.rests[static_cast<int>(kind)], index);
  ++pool.resting;
}

void make_free(Region region, Pool& pool, std::uint32_t index) noexcept {
  pool.free_set(region).insert(index);
  ++pool.free;
  if (pool.longest_free) push_back(region, pool, pool.by_age, index);
}

void make_unfree(Region region, Pool& pool, std::uint32_t index) noexcept {
  pool.free_set(region).erase(index);
  --pool.free;
  if (pool.longest_free) remove(region, pool, pool.by_age, index);
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

void pool_configure(Region region, Pool& pool, const PoolSettings& settings, std::int64_t now,
                    std::int64_t monotonic) noexcept {
  const bool was_by_age = pool.longest_free;
  pool.settings = settings;
  pool.has_rest = settings.has_rest();
  pool.is_ephemeral = settings.ephemeral != 0;
  // What it was before, nobody has kept.
  if (!pool.is_ephemeral) pool.idle_since = 0;
  configure_hold(pool, now, monotonic);
  pool.longest_free = settings.policy == Policy::kLongestFree;
  if (was_by_age == pool.longest_free) return;
  // How long what is free has been so, nobody knows.
  pool.by_age = {};
  if (!pool.longest_free) return;
  for (std::uint32_t index = 0; index < pool.size; ++index)
    if (pool.free_set(region).contains(index)) push_back(region, pool, pool.by_age, index);
}

std::uint32_t pool_acquire(Region region, Pool& pool, const Claim& claim, std::uint32_t limit,
                           const GrantContext& context) noexcept {
  if (pool.queue.length != 0) return Bitmap::kNone;
  const std::uint32_t index = choose_free(region, pool, limit);
  if (index == Bitmap::kNone || index >= limit) return Bitmap::kNone;
  make_unfree(region, pool, index);
  ++pool.in_use;
  ++pool.counters.grants;
  fill_slot(pool, pool.slot(region, index), claim, LeaseState::kHeld, context);
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

void pool_release(Region region, Pool& pool, std::uint32_t index, EndKind end,
                  const GrantContext& context, WakeList& wake) noexcept {
  if (pool.has_rest && put_to_rest(region, pool, index, end, context)) {
    --pool.in_use;
    return;
  }
  const bool may_be_given = may_be_free(region, pool, index);
  if (may_be_given) end_due_places(region, pool, context);
  if (may_be_given && pool.queue.length != 0) {
    grant_to_head(region, pool, index, context, wake);
    return;
  }
  pool.slot(region, index).end(context.last);
  --pool.in_use;
  if (may_be_given) make_free(region, pool, index);
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
  // What rests goes on resting, above the size, too: it may come back before it has rested enough.
  for (std::uint32_t index = size; index < pool.size; ++index)
    if (free_set.contains(index)) make_unfree(region, pool, index);
  const std::uint32_t old_size = pool.size;
  pool.size = size;
  // New numbers are given first, in their order.
  const SlotList old_ones = pool.by_age;
  pool.by_age = {};
  for (std::uint32_t index = old_size; index < size; ++index) settle_unheld(region, pool, index);
  append(region, pool, pool.by_age, old_ones);
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
    const std::uint32_t index = choose_free(region, pool, pool.size);
    make_unfree(region, pool, index);
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

}  // namespace numpool
