#include "model_run.h"

#include "core/timed_lease.h"

#include <algorithm>
#include <cstring>

namespace numpool_test {

using namespace numpool;

ModelRun::ModelRun(const ModelOptions& options)
    : options_(options),
      random_(options.seed),
      real_(options.size),
      model_(options.size),
      fences_(kMaxPoolSize, 0) {
  for (std::uint32_t i = 0; i < options.sessions; ++i)
    sessions_.push_back({&real_.memory.make<Waiter>(), 0, &real_.memory.make<Inbox>(), {}});
}

bool ModelRun::step() {
  if (++steps_ % 512 == 0) eagerness_ = 2 + below(13);
  real_.now += below(50);
  if (below(4096) == 0) real_.fence += std::int64_t{1} << 36;  // another block of fences
  operate();
  if (steps_ % options_.full_check_every == 0) compare_all();
  return problem_.empty();
}

void ModelRun::operate() {
  // While a growth is being worked through, the others go on between two portions.
  if (model_.owes_service() && below(2) == 0) return serve();
  const std::uint32_t what = below(1024);
  if (what == 0) return resize();
  if (what == 1 && below(8) == 0) return drop();
  if (what < 6) return end_session(any_session());
  if (what == 6) return set_service();
  if (what < 120) return take_note(any_session());
  if (what < 220) return withdraw_one();
  if (what < 235) return condemn_one();
  if (what < 255) return end_due();
  if (what < 258) return configure();
  if (below(16) < eagerness_) return ask();
  release_one();
}

void ModelRun::ask() {
  const SessionId id = any_session();
  Ask asked{id, next_tag_++, below(2) == 0 ? Scope::kSession : Scope::kTransaction,
            below(2) == 0 ? WaiterKind::kBlocking : WaiterKind::kTicket, real_.now};
  const std::uint32_t limit = below(8) == 0 ? below(model_.size() + 1) : model_.size();
  const auto expected = model_.acquire(asked, limit, real_.now);
  const std::uint32_t index =
      pool_acquire(real_.region, real_.pool, {id, asked.tag, asked.scope}, limit, real_.context());
  if (index != expected.value_or(Bitmap::kNone)) return differ("acquire: another index");
  if (expected) {
    ++seen_.grants;
    compare_slot(index);
  } else if (limit == model_.size() && waits_.size() < options_.most_waiters) {
    join(asked);
  }
}

void ModelRun::join(const Ask& ask) {
  Session& asking = session(ask.session);
  const bool ticket = ask.kind == WaiterKind::kTicket;
  if (!ticket && asking.blocking_tag != 0) return;  // it sleeps already
  Waiter& record = ticket ? real_.memory.make<Waiter>() : *asking.blocking;
  record.session = ask.session;
  record.owner_tag = ask.tag;
  record.kind = ask.kind;
  record.scope = ask.scope;
  record.wanted = 1;
  record.serial = joins_ + 1;
  record.inbox = ticket ? real_.region.offset_of(asking.inbox) : 0;
  if (!ticket) asking.blocking_tag = ask.tag;
  model_.join(ask);
  pool_join(real_.region, real_.pool, record, real_.now);
  waits_[ask.tag] = Wait{ask, &record, ++joins_, Wait::kQueued, 0};
}

void ModelRun::release_one() {
  // Any lease: the first at or after a random index.
  const std::uint32_t slots = chunk::capacity(real_.pool.chunk_count);
  const std::uint32_t start = below(slots);
  for (std::uint32_t i = 0; i < slots; ++i) {
    const std::uint32_t index = (start + i) % slots;
    if (!model_.lease(index)) continue;
    const auto wait = waits_.find(model_.lease(index)->ask.tag);
    if (wait != waits_.end()) take_note(wait->second.ask.session);
    return release(index, EndKind{static_cast<std::uint8_t>(below(3))});
  }
}

void ModelRun::withdraw_one() {
  if (waits_.empty()) return;
  auto wait = waits_.begin();
  std::advance(wait, below(static_cast<std::uint32_t>(waits_.size())));
  withdraw(wait->first, below(2) == 0 ? Leave::kTimeout : Leave::kCancel);
}

// A checker for deadlocks, who may come late: the wait is over, or the record is of another one.
void ModelRun::condemn_one() {
  if (waits_.empty()) return;
  auto at = waits_.begin();
  std::advance(at, below(static_cast<std::uint32_t>(waits_.size())));
  auto& [tag, wait] = *at;
  if (wait.ask.kind == WaiterKind::kTicket) return;
  const bool late = below(4) == 0;
  const bool expected = !late && model_.condemn(tag);
  real_.wake.clear();
  if (pool_condemn(real_.region, real_.pool, *wait.record, late ? wait.joined - 1 : wait.joined,
                   real_.wake) != expected)
    return differ("condemn: wrong about the wait");
  expect_wakes(expected ? std::vector<Ask>{wait.ask} : std::vector<Ask>{});
  if (!expected) return;
  ++seen_.condemned;
  wait.state = Wait::kVictim;
  if (wait.record->state.load() != WaiterState::kVictim) differ("condemn: the record does not say");
}

void ModelRun::take_note(SessionId id) {
  collect_inbox(id);
  const std::uint64_t tag = session(id).blocking_tag;
  if (tag != 0 && waits_.at(tag).state != Wait::kQueued) forget(tag);
}

void ModelRun::resize() {
  ++seen_.resizes;
  const std::uint32_t size =
      options_.sizes[below(static_cast<std::uint32_t>(options_.sizes.size()))];
  real_.resize(size);
  model_.resize(size);
  compare_all();
}

void ModelRun::set_service() {
  ++seen_.services;
  std::set<std::uint32_t> out;
  // Some of them above the size.
  for (std::uint32_t i = below(5); i > 0; --i)
    out.insert(below(model_.size() + model_.size() / 4 + 1));
  const bool drained = below(8) == 0;
  model_.set_service(out, drained);
  real_.set_service({out.begin(), out.end()}, drained);
  compare_all();
}

void ModelRun::configure() {
  PoolSettings settings;
  if (below(2) == 0) settings.policy = Policy::kLongestFree;
  if (below(3) == 0) settings.cooldown = 1 + below(2000);
  if (below(3) == 0) settings.death_delay = 1 + below(4000);
  real_.configure(settings);
  model_.configure(settings);
  compare_all();
}

void ModelRun::end_due() {
  const std::uint32_t resting = real_.pool.resting;
  const bool more_rests = model_.end_rests(WakeList::kCapacity, real_.now);
  const std::vector<NaiveGrant> grants =
      resting == 0 ? std::vector<NaiveGrant>{} : model_.serve(WakeList::kCapacity, real_.now);
  real_.wake.clear();
  const bool more = pool_end_due(real_.region, real_.pool, real_.context(), real_.wake);
  expect_grants(grants);
  if (more != more_rests) differ("due: wrong about there being more");
  seen_.rests_ended += resting - real_.pool.resting;
  seen_.served_after_rest += grants.size();
}

void ModelRun::drop() {
  for (bool more = true; more;) {
    real_.wake.clear();
    more = pool_dismiss(real_.region, real_.pool, real_.wake);
    const std::vector<Ask> gone = model_.dismiss(WakeList::kCapacity);
    expect_wakes(gone);
    for (const Ask& ask : gone) {
      Wait& wait = waits_.at(ask.tag);
      wait.state = Wait::kDropped;
      if (ask.kind == WaiterKind::kTicket) session(ask.session).told.push_back(ask.tag);
      if (wait.record->state.load() != WaiterState::kDropped) differ("drop: a waiter was not told");
    }
    if (more != !model_.queue().empty()) differ("drop: wrong about there being more");
    if (more) ++seen_.long_dismissals;
    if (!problem_.empty()) return;
  }
}

void ModelRun::end_session(SessionId id) {
  ++seen_.ended;
  std::vector<std::uint64_t> tags;
  for (const auto& [tag, wait] : waits_)
    if (wait.ask.session == id) tags.push_back(tag);
  for (const std::uint64_t tag : tags)
    if (waits_.count(tag) != 0) withdraw(tag, Leave::kCancel);
  for (std::uint32_t index = 0; index < chunk::capacity(real_.pool.chunk_count); ++index)
    if (model_.lease(index) && model_.lease(index)->ask.session == id)
      release(index, EndKind::kBad);
}

void ModelRun::release(std::uint32_t index, EndKind end) {
  if (index >= model_.size()) ++seen_.retired;
  const std::uint32_t resting = real_.pool.resting;
  const std::vector<NaiveGrant> grants = model_.release(index, end, real_.now);
  if (end != EndKind::kBad || below(2) == 0)
    real_.release(index, end);
  else
    end_by_force(index);
  seen_.rested += real_.pool.resting - resting;
  expect_grants(grants);
  compare_slot(index);
}

// The same number, as an operator takes it; of an earlier lease of it there is nothing to take.
void ModelRun::end_by_force(std::uint32_t index) {
  ++seen_.forced;
  const SessionId had = real_.slot(index).holder;
  const std::int64_t fence = real_.slot(index).fence;
  SessionId holder;
  real_.wake.clear();
  for (const std::int64_t other : {fence - 1, fence + 1})
    if (pool_end_lease(real_.region, real_.pool, index, other, real_.context(), real_.wake,
                       &holder) != LeaseEnd::kGone ||
        holder != 0)
      return differ("end: of another lease");
  if (pool_end_lease(real_.region, real_.pool, index, fence, real_.context(), real_.wake,
                     &holder) != LeaseEnd::kEnded ||
      holder != had)
    differ("end: not of the lease's holder");
}

// What a timeout, a cancel, an error and an exit do: leave the queue, or pass the grant on.
void ModelRun::withdraw(std::uint64_t tag, Leave why) {
  const Wait wait = waits_.at(tag);
  const bool expected = model_.leave(tag, why);
  if (pool_leave(real_.region, real_.pool, *wait.record, why) != expected)
    return differ("leave: wrong about the waiter still being in the queue");
  if (expected) {
    ++seen_.left_queue;
    if (wait.record->state.load() != WaiterState::kIdle) differ("leave: the record is not idle");
    return forget(tag);
  }
  ++seen_.left_after_grant;
  take_note(wait.ask.session);
  if (wait.state == Wait::kGranted) release(wait.index, EndKind::kUnlearnt);
}

void ModelRun::collect_inbox(SessionId id) {
  Session& owner = session(id);
  for (Offset at = inbox_take(real_.region, *owner.inbox); at != 0;) {
    Waiter& record = *real_.region.at<Waiter>(at);
    at = record.inbox_next;
    if (owner.told.empty() || owner.told.front() != record.owner_tag)
      return differ("inbox: not the tickets in the order of their grants");
    owner.told.pop_front();
    ++seen_.collected;
    forget(record.owner_tag);
  }
  if (!owner.told.empty()) differ("inbox: a ticket is missing");
}

// The session has taken note: its record may be used for something else from now on.
void ModelRun::forget(std::uint64_t tag) {
  const Wait wait = waits_.at(tag);
  waits_.erase(tag);
  if (wait.state == Wait::kGranted) real_.slot(wait.index).state = LeaseState::kHeld;
  if (wait.ask.kind == WaiterKind::kTicket) return real_.memory.destroy(*wait.record);
  session(wait.ask.session).blocking_tag = 0;
  wait.record->state = WaiterState::kIdle;
  wait.record->prev = wait.record->next = wait.record->inbox_next = 0xdead;
}

void ModelRun::serve() {
  const std::vector<NaiveGrant> grants = model_.serve(WakeList::kCapacity, real_.now);
  real_.wake.clear();
  const bool more = pool_serve(real_.region, real_.pool, real_.context(), real_.wake);
  expect_grants(grants);
  if (more != model_.owes_service()) differ("serve: wrong about there being more");
  if (more) ++seen_.long_services;
}

void ModelRun::expect_grants(const std::vector<NaiveGrant>& grants) {
  std::vector<Ask> asks;
  for (const NaiveGrant& grant : grants) asks.push_back(grant.ask);
  expect_wakes(asks);
  for (const NaiveGrant& grant : grants) {
    Wait& wait = waits_.at(grant.ask.tag);
    ++seen_.handoffs;
    if (wait.joined <= last_handed_) differ("P3: who joined later was granted earlier");
    last_handed_ = wait.joined;
    wait.state = Wait::kGranted;
    wait.index = grant.index;
    if (grant.ask.kind == WaiterKind::kTicket)
      session(grant.ask.session).told.push_back(grant.ask.tag);
    if (wait.record->state.load() != WaiterState::kGranted) return differ("grant: not told");
    if (wait.record->index != grant.index) return differ("grant: another index");
    compare_slot(grant.index);
    if (wait.record->fence != fences_[grant.index]) differ("grant: another fence than the slot's");
  }
}

void ModelRun::expect_wakes(const std::vector<Ask>& asks) {
  const bool same = std::equal(real_.wake.begin(), real_.wake.end(), asks.begin(), asks.end(),
                               [](const WakeList::Wakeup& entry, const Ask& ask) {
                                 return entry.session == ask.session && entry.kind == ask.kind;
                               });
  if (!same) differ("not those woken who should be");
}

// To be called after a grant of `index` or its release. A fence that this run has not seen before
// has to be the largest so far (P7).
void ModelRun::compare_slot(std::uint32_t index) {
  const Slot& slot = real_.slot(index);
  const auto& lease = model_.lease(index);
  if (!lease) {
    if (slot.holder != 0) differ("slot: a holder where there is no lease");
    fences_[index] = 0;
    return;
  }
  const bool unseen = waits_.count(lease->ask.tag) != 0;
  const LeaseState state = lease->handed_over && unseen && lease->ask.kind == WaiterKind::kTicket
                               ? LeaseState::kGranted
                               : LeaseState::kHeld;
  if (slot.holder != lease->ask.session) differ("slot: another holder");
  if (slot.owner_tag != lease->ask.tag) differ("slot: another tag");
  if (slot.scope != lease->ask.scope) differ("slot: another scope");
  if (slot.state != state) differ("slot: another state");
  if (slot.acquired_at != lease->acquired_at) differ("slot: another time");
  if (slot.fence == fences_[index]) return;
  if (slot.fence <= last_fence_) differ("P7: a fence that is not larger than all before");
  fences_[index] = last_fence_ = slot.fence;
}

void ModelRun::compare_all() {
  // I3 has its exception between two portions of a growth, and the model knows when that is.
  const char* const broken = check_pool(real_.region, real_.pool);
  if (broken != nullptr && !(model_.owes_service() && std::strncmp(broken, "I3", 2) == 0))
    differ(broken);
  if (const char* const total = model_.compare_totals(real_.pool))
    differ(std::string("total: ") + total);
  if (const char* const counter = model_.compare_counters(real_.pool.counters))
    differ(std::string("counter: ") + counter);
  for (std::uint32_t index = 0; index < chunk::capacity(real_.pool.chunk_count); ++index) {
    const std::int64_t fence = fences_[index];
    compare_slot(index);
    if (fences_[index] != fence) differ("slot: a fence changed during the lease");
  }
  Offset at = real_.pool.queue.head;
  for (const Ask& ask : model_.queue()) {
    if (at == 0 || real_.region.at<Waiter>(at)->owner_tag != ask.tag)
      return differ("queue: not those, or not in the order, in which they joined");
    at = real_.region.at<Waiter>(at)->next;
  }
  if (at != 0) differ("queue: somebody waits who should not");
}

}  // namespace numpool_test
