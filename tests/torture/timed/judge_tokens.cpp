// - What is over by time or released is not renewed, and does not come back.
// - A lease that stands is there until its time is over, and a call repeated with its token gets it
//   again: the same number, and if the server has not crashed, the same fence.
#include <algorithm>

#include "torture/timed/judgement.h"

namespace numpool_test {

namespace {

constexpr Time kMillisecond = 1000000;

// What is known of one token between two of its calls.
class TokenLife {
 public:
  TokenLife(const TimedHistory& history, Complaints& complaints)
      : history_(history), complaints_(complaints) {}

  void meet(const TimedCall& call) {
    const bool answered = call.told != kNever;
    if (answered && call.tells()) judge_end(call);
    if (answered && call.verb != TimedVerb::kRelease && call.verb != TimedVerb::kKeep)
      judge_lease(call);
    if (call.verb == TimedVerb::kRelease)
      note_release(call);
    else
      note(call);
  }

 private:
  struct Fence {
    const TimedCall* last = nullptr;
    Time touched = 0;  // the last call that may have prolonged it came no later
    const TimedCall* released = nullptr;
  };

  void judge_end(const TimedCall& call) {
    const auto at = fences_.find(call.fence);
    if (at != fences_.end()) {
      const Fence& known = at->second;
      if (known.released != nullptr && call.asked > known.released->end_told)
        complaints_.add("released, and told again", {known.released, &call});
      else if (!vague_ && call.asked > known.touched + call.ttl + kMillisecond)
        complaints_.add("over, and renewed", {known.last, &call});
    }
    if (call.verb == TimedVerb::kRenew && gone_ != nullptr && !vague_ &&
        call.asked > gone_->end_told)
      complaints_.add("came back after its release", {gone_, &call});
  }

  void judge_lease(const TimedCall& call) {
    if (sure_ == nullptr || call.told >= sure_->end_asked + sure_->ttl) return;
    if (happened(history_.drops, call)) return;
    if (!call.tells())
      complaints_.add("lost before its time", {sure_, &call});
    else if (call.index >= 0 && sure_->index >= 0 && call.index != sure_->index)
      complaints_.add("another number for the same token", {sure_, &call});
    else if (call.fence != sure_->fence && !happened(history_.crashes, call))
      complaints_.add("another fence for the same token", {sure_, &call});
  }

  bool happened(const std::vector<Outage>& outages, const TimedCall& call) const {
    return std::any_of(outages.begin(), outages.end(), [&](const Outage& one) {
      return (one.pool < 0 || one.pool == call.pool) && one.asked < call.told &&
             one.over > sure_->asked;
    });
  }

  void note_release(const TimedCall& call) {
    sure_ = nullptr;
    const bool undone_in_time = call.fate == Fate::kUndone && call.end_told != kNever;
    if (call.fate != Fate::kStands && !undone_in_time) vague_ = true;
    for (auto& [value, fence] : fences_) {
      if (call.fate == Fate::kStands && call.freed) fence.released = &call;
      if (undone_in_time) fence.touched = std::max(fence.touched, call.end_told);
    }
    if (call.fate == Fate::kStands && call.freed) gone_ = &call;
  }

  void note(const TimedCall& call) {
    if (call.fate == Fate::kUnknown) vague_ = true;
    if (!call.tells()) {
      if (call.told != kNever) sure_ = nullptr;
      return;
    }
    Fence& fence = fences_[call.fence];
    fence.last = &call;
    if (call.end_told != kNever) fence.touched = std::max(fence.touched, call.end_told);
    if (call.verb != TimedVerb::kRenew) gone_ = nullptr;
    if (call.fate == Fate::kStands)
      sure_ = &call;
    else if (sure_ != nullptr && sure_->fence != call.fence)
      sure_ = nullptr;
  }

  const TimedHistory& history_;
  Complaints& complaints_;
  std::map<std::int64_t, Fence> fences_;
  const TimedCall* sure_ = nullptr;  // told of the lease that it has
  const TimedCall* gone_ = nullptr;  // released it, and nothing has taken one since
  bool vague_ = false;               // something may have been done, or be done later
};

}  // namespace

void judge_tokens(const TimedHistory& history, Complaints& complaints) {
  for (const auto& calls : history.holders) {
    std::map<std::string, TokenLife> tokens;
    for (const TimedCall& call : calls)
      if (!call.token.empty())
        tokens.try_emplace(call.token, history, complaints).first->second.meet(call);
  }
}

}  // namespace numpool_test
