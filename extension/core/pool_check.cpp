// Whether the invariants of a pool hold: for tests, and for builds with debug points.
#include "core/hold_limit.h"

namespace numpool {

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

namespace {

// The numbers of a list are those that `is_member` says, `count` of them, and rest in that order.
const char* check_list(Region region, Pool& pool, const SlotList& list, std::uint32_t count,
                       bool (*is_member)(const Slot& slot)) noexcept {
  std::uint32_t previous = SlotList::kNone;
  std::uint32_t length = 0;
  std::int64_t since = INT64_MIN;
  for (std::uint32_t at = list.first_plus_one; at != SlotList::kNone;) {
    const Slot& slot = pool.slot(region, at - 1);
    if (!is_member(slot)) return "I7: a number is in a list that is not its own";
    if (slot.links.previous != previous) return "I7: the links of a list differ";
    if (is_resting(slot) && slot.rests_from < since) return "I7: rests are not in their order";
    if (is_resting(slot)) since = slot.rests_from;
    if (++length > count) return "I7: a list is longer than its count";
    previous = at;
    at = slot.links.next;
  }
  if (length != count || previous != list.last_plus_one) return "I7: the ends of a list differ";
  return nullptr;
}

// I7.
const char* check_lists(Region region, Pool& pool) noexcept {
  std::uint32_t cooling = 0;
  std::uint32_t mourning = 0;
  for (std::uint32_t index = 0; index < chunk::capacity(pool.chunk_count); ++index) {
    const Slot& slot = pool.slot(region, index);
    if (!is_resting(slot)) continue;
    ++(slot.state == LeaseState::kCooling ? cooling : mourning);
  }
  if (cooling + mourning != pool.resting) return "I7: resting is not the number of those that rest";
  const char* wrong = check_list(region, pool, pool.by_age, pool.longest_free ? pool.free : 0,
                                 [](const Slot& slot) { return is_available(slot); });
  if (wrong == nullptr)
    wrong = check_list(
        region, pool, pool.rests[static_cast<int>(RestKind::kCooling)], cooling,
        [](const Slot& slot) { return is_resting(slot) && slot.state == LeaseState::kCooling; });
  if (wrong == nullptr)
    wrong = check_list(
        region, pool, pool.rests[static_cast<int>(RestKind::kMourning)], mourning,
        [](const Slot& slot) { return is_resting(slot) && slot.state == LeaseState::kMourning; });
  return wrong;
}

// I8.
const char* check_hold(Region region, Pool& pool) noexcept {
  if (!pool.limits_hold && pool.hold.due != INT64_MAX)
    return "I8: a pool without a limit looks for leases that last too long";
  for (std::uint32_t index = 0; index < chunk::capacity(pool.chunk_count); ++index) {
    const Slot& slot = pool.slot(region, index);
    if (slot.holder != 0 && is_limited(pool, slot) && pool.hold.due == INT64_MAX)
      return "I8: nothing will end a lease that is limited";
  }
  return nullptr;
}

}  // namespace

const char* check_pool(Region region, Pool& pool) noexcept {
  FreeSet free_set = pool.free_set(region);
  std::uint32_t held = 0;
  std::uint32_t free = 0;
  const std::uint32_t capacity = chunk::capacity(pool.chunk_count);
  for (std::uint32_t index = 0; index < capacity; ++index) {
    const Slot& slot = pool.slot(region, index);
    const bool is_held = slot.holder != 0;
    const bool is_free = index < pool.free_memory.capacity && free_set.contains(index);
    if (is_free != (is_available(slot) && may_be_free(region, pool, index)))
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
  if (const char* wrong = check_lists(region, pool)) return wrong;
  if (const char* wrong = check_hold(region, pool)) return wrong;
  return pool.tokens.records == 0 ? nullptr : check_tokens(region, pool);
}

}  // namespace numpool
