#include "timed_run.h"

#include <algorithm>

namespace numpool_test {

using numpool::LeaseState;
using numpool::Offset;
using numpool::Scope;
using numpool::SessionId;
using numpool::Slot;
using numpool::TimedRecord;
using numpool::TimedState;
using numpool::Waiter;
using numpool::WaiterKind;

namespace {

constexpr std::int64_t kTick = 1000;

}  // namespace

TimedRun::TimedRun(std::uint32_t size, std::uint32_t most_tokens, std::uint32_t ttl_ticks,
                   std::uint64_t seed)
    : most_tokens_(most_tokens), ttl_ticks_(ttl_ticks), random_(seed), real_(size), model_(size) {}

std::int64_t TimedRun::any_ttl() {
  return below(40) == 0 ? 2 * numpool::kMaxPlaceTtl : (1 + below(ttl_ticks_)) * kTick;
}

TimedRun::Id TimedRun::any_token(TimedState state) {
  std::vector<Id> found;
  for (const auto& [id, token] : model_.tokens)
    if (token.state == state) found.push_back(id);
  return found.empty() ? 0 : found[below(found.size())];
}

std::uint64_t TimedRun::any_tag() {
  if (tags_.empty()) return 0;
  auto at = tags_.begin();
  std::advance(at, below(tags_.size()));
  return at->first;
}

bool TimedRun::step() {
  real_.now += kTick;
  if (below(8) == 0) real_.now += below(120) * kTick;
  if (below(500) == 0) real_.now += (ttl_ticks_ + 100) * kTick;
  real_.wake.clear();
  wakes_.clear();
  expected_wakes_.clear();
  operate();
  take_grants();
  take_ended();
  compare();
  return problem_.empty();
}

void TimedRun::operate() {
  switch (below(16)) {
    case 0:
    case 1:
      return arrive();
    case 2:
    case 3:
      if (!tags_.empty()) end_one_tag();
      return;
    case 4:
    case 5:
      if (const Id id = any_token(TimedState::kPlace)) come_back(id);
      return;
    case 6:
    case 7:
      if (const Id id = any_token(TimedState::kOffered)) come_back(id);
      return;
    case 8:
      if (const Id id = any_token(TimedState::kHeld)) release_token(id);
      return;
    case 9:
      if (const Id id = any_token(TimedState::kHeld)) renew(id);
      return;
    case 10:
      return begin_keeping();
    case 11:
      return sweep();
    case 12:
      return below(4) == 0 ? resize() : run_clerk();
    case 13:
      // A release of a place or an offer, by its token.
      if (const Id id = any_token(below(2) == 0 ? TimedState::kPlace : TimedState::kOffered))
        if (token(id).user == 0) end_token(id);
      return;
    default: {
      if (model_.tokens.size() >= most_tokens_) return run_clerk();
      Id id;
      make_record(&id);
      return come_anew(id);
    }
  }
}

TimedRecord& TimedRun::make_record(Id* id) {
  *id = next_id_++;
  TimedRecord& made = real_.memory.make<TimedRecord>();
  made.token = {*id, 0};
  made.state = TimedState::kTaken;
  made.ttl = any_ttl();
  made.user = any_session();
  records_[*id] = &made;
  return made;
}

// A session that wants a number for itself.
void TimedRun::arrive() {
  const std::uint64_t tag = next_tag_++;
  tags_[tag] = {any_session(), nullptr, 0, 0, false};
  const std::uint32_t index =
      numpool::pool_acquire(region(), real_.pool, claim(tag), UINT32_MAX, real_.context());
  const std::optional<std::uint32_t> expected = model_.acquire(tag);
  if (index != expected.value_or(numpool::Bitmap::kNone)) return differ("an acquire");
  tags_.at(tag).index = index;
  if (expected) return;
  if (model_.queue().size() > 2 * most_tokens_) {
    tags_.erase(tag);
    return;
  }
  Waiter& waiter = real_.waiter(tags_.at(tag).session);
  waiter.owner_tag = tag;
  waiter.scope = Scope::kTransaction;
  numpool::pool_join(region(), real_.pool, waiter, real_.now);
  tags_.at(tag).waiter = &waiter;
  model_.join({false, tag});
}

// A call with a token that has nothing: a number for it, or a place.
void TimedRun::come_anew(Id id) {
  TimedRecord& made = record(id);
  const std::uint64_t tag = next_tag_++;
  tags_[tag] = {made.user, nullptr, 0, id, false};
  const std::uint32_t index =
      numpool::pool_acquire(region(), real_.pool, claim(tag), UINT32_MAX, real_.context());
  const std::optional<std::uint32_t> expected = model_.acquire(tag);
  if (index != expected.value_or(numpool::Bitmap::kNone)) return differ("an acquire by token");
  NaiveToken& naive = model_.tokens[id];
  naive = {TimedState::kTaken, made.ttl, 0, made.user, index, false};
  if (expected) {
    tags_.at(tag).index = index;
    made.index = index;
    made.fence = real_.slot(index).fence;
    return;
  }
  tags_.erase(tag);
  Waiter& waiter = real_.waiter(numpool::kTokenHolder, WaiterKind::kPlace);
  waiter.owner_tag = region().offset_of(&made);
  waiter.scope = Scope::kTimed;
  made.waiter = region().offset_of(&waiter);
  if (below(2) == 0) made.user = naive.user = 0;  // it does not wait
  numpool::timed_prolong_place(region(), real_.pool, made, real_.now);
  numpool::timed_join(region(), real_.pool, made, real_.now);
  naive.state = TimedState::kPlace;
  naive.deadline = real_.now + std::min(naive.ttl, numpool::kMaxPlaceTtl);
  model_.join({true, id});
}

void TimedRun::end_one_tag() {
  const std::uint64_t tag = any_tag();
  Tag& at = tags_.at(tag);
  if (at.token != 0) return finish_taking(tag);
  if (at.waiter != nullptr) {
    if (!numpool::pool_leave(region(), real_.pool, *at.waiter, numpool::Leave::kCancel))
      return differ("a sleeper does not leave");
    real_.memory.destroy(*at.waiter);
    model_.leave({false, tag});
    tags_.erase(tag);
    return;
  }
  const std::uint32_t index = at.index;
  tags_.erase(tag);
  release_number(index);
}

// The end of a transaction that has taken, picked up or kept a number for a token.
void TimedRun::finish_taking(std::uint64_t tag) {
  const Tag at = tags_.at(tag);
  TimedRecord& made = record(at.token);
  NaiveToken& naive = token(at.token);
  if (below(3) != 0) {  // COMMIT
    made.row_fence = made.fence;
    real_.memory.free(made.waiter);
    made.waiter = 0;
    numpool::timed_hold(region(), real_.pool, made, real_.now);
    naive = {TimedState::kHeld, naive.ttl, real_.now + naive.ttl, 0, naive.index, true};
    model_.give(naive.index, {true, at.token});
    ++seen_.held;
    seen_.above += naive.index >= model_.size() ? 1 : 0;
    tags_.erase(tag);
    return;
  }
  if (at.picked_up && below(2) == 0) {  // ROLLBACK
    numpool::timed_put_back(region(), real_.pool, made);
    naive.state = TimedState::kOffered;
    naive.user = 0;
    model_.give(naive.index, {true, at.token});
    ++seen_.put_back;
    tags_.erase(tag);
    return;
  }
  // ROLLBACK of what was taken anew, or COMMIT of what was released again: the record goes. The
  // number goes, too, but one that was kept may stay the session's.
  const bool leaves_row = below(3) == 0;
  if (leaves_row) {
    made.row_fence = made.fence;
    made.user = 0;
    numpool::timed_note_row(region(), real_.pool, made);
    naive.has_row = true;
    model_.left.insert(at.token);
  } else {
    real_.pool.tokens.leave(made);
    real_.memory.free(made.waiter);
    real_.memory.destroy(made);
    records_.erase(at.token);
  }
  model_.tokens.erase(at.token);
  tags_.at(tag).token = 0;
  if (!at.picked_up && !leaves_row && below(3) == 0) return;
  tags_.erase(tag);
  release_number(at.index);
}

// A call with a token that has a place or an offer.
void TimedRun::come_back(Id id) {
  if (token(id).state == TimedState::kPlace) return come_to_place(id);
  if (token(id).user != 0) {
    // The call that slept has seen the offer, or ends in an error.
    if (below(2) == 0) {
      numpool::timed_clear_user(region(), real_.pool, record(id));
      token(id).user = 0;
      return;
    }
  } else if (NaiveTimedPool::is_due(token(id), real_.now)) {
    return;
  }
  pick_up(id);
}

void TimedRun::come_to_place(Id id) {
  TimedRecord& place = record(id);
  NaiveToken& naive = token(id);
  const auto prolong = [&] {
    const std::int64_t before = naive.deadline;
    naive.deadline = real_.now + std::min(naive.ttl, numpool::kMaxPlaceTtl);
    seen_.nearer += naive.deadline < before ? 1 : 0;
    numpool::timed_prolong_place(region(), real_.pool, place, real_.now);
  };
  if (naive.user != 0) {  // the call that sleeps ends, or somebody renews it
    prolong();
    if (below(3) == 0) return;
    numpool::timed_clear_user(region(), real_.pool, place);
    naive.user = 0;
    return;
  }
  if (NaiveTimedPool::is_due(naive, real_.now)) return;
  place.ttl = naive.ttl = any_ttl();
  if (below(2) == 0) return prolong();
  place.user = naive.user = any_session();
}

void TimedRun::pick_up(Id id) {
  const std::uint64_t tag = next_tag_++;
  tags_[tag] = {any_session(), nullptr, token(id).index, id, true};
  numpool::timed_pick_up(region(), real_.pool, record(id), claim(tag), real_.now);
  NaiveToken& naive = token(id);
  naive.state = TimedState::kTaken;
  naive.user = tags_.at(tag).session;
  model_.give(naive.index, {false, tag});
  ++seen_.picked_up;
}

void TimedRun::renew(Id id) {
  NaiveToken& naive = token(id);
  if (naive.user == 0 && naive.deadline <= real_.now) return end_token(id);  // late is over
  numpool::timed_renew(record(id), real_.now);
  naive.deadline = real_.now + naive.ttl;
  ++seen_.renewed;
}

// A release by token begins, or its transaction ends.
void TimedRun::release_token(Id id) {
  NaiveToken& naive = token(id);
  TimedRecord& held = record(id);
  if (naive.user == 0) {
    if (NaiveTimedPool::is_due(naive, real_.now)) return end_token(id);
    held.user = naive.user = any_session();
    real_.slot(naive.index).state = LeaseState::kReleasing;
    return;
  }
  switch (below(3)) {
    case 0:  // ROLLBACK
      numpool::timed_clear_user(region(), real_.pool, held);
      naive.user = 0;
      return;
    case 1:  // taken back, and COMMIT
      numpool::timed_renew(held, real_.now);
      numpool::timed_clear_user(region(), real_.pool, held);
      naive.deadline = real_.now + naive.ttl;
      naive.user = 0;
      ++seen_.taken_back;
      return;
    default:  // COMMIT; if the table was locked, the row is left
      naive.has_row = below(4) == 0;
      held.row_is_deleted = !naive.has_row;
      ++seen_.released;
      return end_token(id);
  }
}

void TimedRun::begin_keeping() {
  const std::uint64_t tag = any_tag();
  if (tag == 0 || tags_.at(tag).waiter != nullptr || tags_.at(tag).token != 0) return;
  Id id;
  TimedRecord& made = make_record(&id);
  Tag& at = tags_.at(tag);
  made.user = at.session;
  made.index = at.index;
  made.fence = real_.slot(at.index).fence;
  at.token = id;
  model_.tokens[id] = {TimedState::kTaken, made.ttl, 0, made.user, at.index, false};
  ++seen_.kept;
}

// Whoever writes a row deletes some that are left, and commits or not.
void TimedRun::sweep() {
  if (model_.left.empty()) return;
  auto at = model_.left.begin();
  std::advance(at, below(model_.left.size()));
  TimedRecord& row = record(*at);
  if (row.user == 0) {
    row.user = any_session();
    return;
  }
  row.user = 0;
  if (below(3) == 0) return;
  numpool::timed_forget_row(region(), real_.pool, row);
  real_.memory.free(row.waiter);
  real_.memory.destroy(row);
  records_.erase(*at);
  model_.left.erase(at);
  ++seen_.forgotten;
}

void TimedRun::resize() {
  const std::uint32_t sizes[] = {1, 2, 3, 5, 8, 17, 40, 70};
  const std::uint32_t size = sizes[below(std::size(sizes))];
  real_.resize(size);
  model_.resize(size);
  bool more = true;
  while (more) {
    real_.wake.clear();
    more = numpool::pool_serve(region(), real_.pool, real_.context(), real_.wake);
    for (const SessionId session : real_.woken()) wakes_.push_back(session);
  }
  real_.wake.clear();
  model_.serve(real_.now);
  ++seen_.resizes;
}

void TimedRun::run_clerk() {
  bool more = true;
  for (int batch = 0; more; ++batch) {
    real_.wake.clear();
    const std::int64_t next = numpool::pool_next_due(region(), real_.pool);
    more = numpool::pool_end_due(region(), real_.pool, real_.context(), real_.wake);
    if (next > real_.now && more) return differ("something is due before it is due");
    if (const char* wrong = real_.check()) return differ(wrong);
    for (const SessionId session : real_.woken()) wakes_.push_back(session);
    seen_.batches += batch != 0 ? 1 : 0;
  }
  real_.wake.clear();
  if (numpool::pool_next_due(region(), real_.pool) <= real_.now) differ("something is still due");
  for (const auto& [id, token] : model_.tokens)
    if (NaiveTimedPool::is_due(token, real_.now)) {
      seen_.places_over += token.state == TimedState::kPlace ? 1 : 0;
      seen_.offers_over += token.state == TimedState::kOffered ? 1 : 0;
      seen_.expired += token.state == TimedState::kHeld ? 1 : 0;
    }
  std::vector<Id> order;
  for (const TimedRecord* over : over_by_now()) order.push_back(over->token.high);
  if (!model_.end_all_due(order, real_.now)) differ("what has come due");
}

void TimedRun::release_number(std::uint32_t index) {
  numpool::pool_release(region(), real_.pool, index, numpool::EndKind::kReleased, real_.context(),
                        real_.wake);
  model_.release(index, real_.now);
}

void TimedRun::end_token(Id id) {
  numpool::timed_end(region(), real_.pool, record(id), numpool::EndKind::kReleased, real_.context(),
                     real_.wake);
  model_.end(id, real_.now);
}

}  // namespace numpool_test
