// What a step of TimedRun has changed, in the pool and in the model.
#include <algorithm>

#include "timed_run.h"

namespace numpool_test {

using numpool::LeaseState;
using numpool::Offset;
using numpool::Scope;
using numpool::SessionId;
using numpool::Slot;
using numpool::TimedRecord;
using numpool::TimedState;
using numpool::Waiter;
using numpool::WaiterState;

// Who was granted a number takes note, and who sleeps was woken.
void TimedRun::take_grants() {
  for (const auto& [who, index] : model_.granted) {
    if (who.is_token) {
      // NB: it may have been ended since.
      const auto at = model_.tokens.find(who.id);
      if (at != model_.tokens.end() && at->second.user != 0)
        expected_wakes_.push_back(at->second.user);
      continue;
    }
    Tag& tag = tags_.at(who.id);
    expected_wakes_.push_back(tag.session);
    if (tag.waiter->state != WaiterState::kGranted || tag.waiter->index != index)
      return differ("a sleeper was not granted its number");
    real_.memory.destroy(*tag.waiter);
    tag.waiter = nullptr;
    tag.index = index;
    ++seen_.sleepers_granted;
  }
  model_.granted.clear();
  for (const SessionId session : real_.woken()) wakes_.push_back(session);
  if (wakes_ != expected_wakes_) differ("others were woken");
}

std::vector<TimedRecord*> TimedRun::over_by_now() {
  std::vector<TimedRecord*> over;
  for (Offset at = real_.pool.tokens.over; at != 0; at = over.back()->over_next)
    over.push_back(region().at<TimedRecord>(at));
  std::reverse(over.begin(), over.end());
  return over;
}

// What has become over leaves the table of tokens, as finish_over does it.
void TimedRun::take_ended() {
  const std::vector<TimedRecord*> ended = over_by_now();
  real_.pool.tokens.over = 0;
  if (ended.size() != model_.ended.size()) return differ("more or less is over");
  for (std::size_t i = 0; i < ended.size(); ++i) {
    TimedRecord& over = *ended[i];
    const Id id = model_.ended[i];
    if (over.token.high != id) return differ("another is over");
    if (over.state != TimedState::kOver || !over.in_over_list) return differ("it is not over");
    if (over.timer.is_set() || over.user != 0) return differ("what is over has a timer or a user");
    over.in_over_list = false;
    if (model_.left.count(id) != 0) continue;
    if (over.row_fence != 0 || over.counted) return differ("a row is left that is not");
    real_.memory.free(over.waiter);
    real_.memory.destroy(over);
    records_.erase(id);
  }
  model_.ended.clear();
}

void TimedRun::compare() {
  numpool::Pool& pool = real_.pool;
  if (const char* wrong = real_.check()) return differ(wrong);
  for (const auto& [index, who] : model_.holders()) {
    const Slot& slot = real_.slot(index);
    if (slot.holder == 0) return differ("a number is free that has a holder");
    const std::uint64_t tag = who.is_token ? region().offset_of(&record(who.id)) : who.id;
    if (slot.owner_tag != tag) return differ("another has the number");
    if ((slot.holder == numpool::kTokenHolder) != who.is_token)
      return differ("a number is a token's, or a session's");
  }
  if (pool.in_use != model_.holders().size()) return differ("in_use");
  Offset at = pool.queue.head;
  for (const NaiveWho& who : model_.queue()) {
    if (at == 0) return differ("the queue is shorter");
    const Waiter& waiter = *region().at<Waiter>(at);
    if (waiter.owner_tag != (who.is_token ? region().offset_of(&record(who.id)) : who.id))
      return differ("another is in line");
    at = waiter.next;
  }
  if (at != 0) return differ("the queue is longer");
  std::uint32_t counted = 0;
  for (const auto& [id, record] : records_) counted += record->counted ? 1 : 0;
  if (pool.tokens.records != counted) return differ("records");
  if (pool.tokens.timed != model_.timed()) return differ("timed");
  if (pool.counters.expired != model_.expired) return differ("expired");
  if (pool.counters.timeouts != model_.timeouts) return differ("timeouts");
  for (const auto& [id, token] : model_.tokens) compare_token(id);
  std::set<Id> left;
  for (Offset row = pool.tokens.left; row != 0; row = region().at<TimedRecord>(row)->left_next)
    left.insert(region().at<TimedRecord>(row)->token.high);
  if (left != model_.left) differ("other rows are left");
}

void TimedRun::compare_token(Id id) {
  const NaiveToken& naive = token(id);
  const TimedRecord& real = record(id);
  if (real.state != naive.state) return differ("the state of a token");
  if (real.user != naive.user) return differ("the user of a token");
  if (naive.state == TimedState::kTaken) return;
  if (!real.counted) return differ("a token keeps nothing from being evicted");
  if (real.deadline != naive.deadline) return differ("the deadline of a token");
  if (naive.user == 0) {
    if (!real.timer.is_set()) return differ("nothing will end a token");
    if (real.timer.due > naive.deadline) return differ("a token will end too late");
    seen_.late_timers += real.timer.due < naive.deadline ? 1 : 0;
  }
  if (naive.state == TimedState::kPlace) return;
  const Slot& slot = real_.pool.slot(region(), naive.index);
  if (real.index != naive.index || real.fence != slot.fence) return differ("a token's number");
  if (slot.scope != Scope::kTimed) return differ("the scope of a token's number");
  const LeaseState state = naive.state == TimedState::kOffered ? LeaseState::kGranted
                           : naive.user != 0                   ? LeaseState::kReleasing
                                                               : LeaseState::kHeld;
  if (slot.state != state) differ("the state that views show");
}

bool TimedRun::drop() {
  // What is over and on a list of somebody's who has not come to its end.
  std::vector<TimedRecord*> finishing;
  if (const Id id = any_token(TimedState::kHeld)) {
    if (token(id).user == 0) {
      numpool::timed_end(region(), real_.pool, record(id), numpool::EndKind::kBad, real_.context(),
                         real_.wake);
      finishing.push_back(&record(id));
      real_.pool.tokens.over = 0;
    }
  }
  bool more = true;
  while (more) {
    real_.wake.clear();
    more = numpool::pool_dismiss(region(), real_.pool, real_.wake);
  }
  std::uint32_t from = 0;
  more = true;
  while (more) {
    more = numpool::timed_end_all(region(), real_.pool, &from);
    for (Offset at = real_.pool.tokens.over; at != 0;) {
      finishing.push_back(region().at<TimedRecord>(at));
      at = finishing.back()->over_next;
    }
    real_.pool.tokens.over = 0;
  }
  std::set<TimedRecord*> once;
  for (TimedRecord* over : finishing) {
    if (!once.insert(over).second) differ("a record is over twice");
    if (over->state != TimedState::kOver) differ("a drop leaves a record that is not over");
    if (over->row_fence != 0) differ("a drop leaves a row");
    if (over->timer.is_set()) differ("a drop leaves a timer");
  }
  // What remains is what open transactions have taken; they free it.
  for (const auto& [id, left] : records_)
    if (once.count(left) == 0 && left->state != TimedState::kTaken)
      differ("a drop forgets a record");
  if (real_.pool.tokens.timers != 0) differ("a drop leaves a timer");
  if (real_.pool.tokens.left != 0) differ("a drop leaves a row");
  if (real_.pool.tokens.timed != 0) differ("a drop leaves a lease");
  return problem_.empty();
}

}  // namespace numpool_test
