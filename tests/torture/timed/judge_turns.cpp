// - Who has a place, and calls again in time, is granted before everybody who came later: fences of
// a
//   pool are drawn as its numbers are granted.
#include <algorithm>

#include "torture/timed/judgement.h"

namespace numpool_test {

namespace {

constexpr Time kLongestPlace = 30000000000;

// Somebody's way through the queue of a pool.
struct Turn {
  Time came = 0;         // no earlier
  Time queued = kNever;  // surely in the queue from then on; kNever: perhaps never
  Time waited = 0;       // and surely without a number until then
  const TimedCall* last = nullptr;
  std::int64_t fence = 0;  // 0: left without one
};

using Turns = std::map<int, std::vector<Turn>>;

bool disturbed(const TimedHistory& history, int pool, Time from, Time until) {
  const auto in_between = [&](const Outage& one) {
    return (one.pool < 0 || one.pool == pool) && one.asked < until && one.over > from;
  };
  return std::any_of(history.crashes.begin(), history.crashes.end(), in_between) ||
         std::any_of(history.drops.begin(), history.drops.end(), in_between);
}

// The turns of one token, or of one session's leases.
class TurnReader {
 public:
  TurnReader(const TimedHistory& history, Turns& turns) : history_(history), turns_(turns) {}

  void meet(const TimedCall& call) {
    if (call.verb == TimedVerb::kRelease) return leave();
    if (call.verb == TimedVerb::kKeep || call.verb == TimedVerb::kRenew) {
      if (call.tells()) had(call);
      return;
    }
    if (came_ == 0) came_ = call.asked;
    if (call.told == kNever) return;
    if (turn_.queued != kNever &&
        (call.told > place_ends_ || disturbed(history_, call.pool, turn_.came, call.told)))
      leave();
    if (call.keeps_place()) return wait(call);
    if (call.fence == last_fence_) return had(call);
    // A lease that a crash has brought back has another fence, and has not queued for it.
    const bool came_back = had_at_ != 0 && disturbed(history_, call.pool, had_at_, call.told);
    had(call);
    if (came_back) {
      turn_ = {};
      return;
    }
    turn_.came = came_;
    turn_.last = &call;
    turn_.fence = call.fence;
    if (!disturbed(history_, call.pool, came_, call.told)) turns_[call.pool].push_back(turn_);
    turn_ = {};
  }

  void leave() {
    if (turn_.queued != kNever) turns_[turn_.last->pool].push_back(turn_);
    turn_ = {};
  }

 private:
  void had(const TimedCall& call) {
    last_fence_ = call.fence;
    had_at_ = call.asked;
  }

  void wait(const TimedCall& call) {
    if (call.token.empty()) return;
    if (turn_.queued == kNever) {
      turn_.queued = call.told;
      turn_.came = call.asked;
    } else {
      turn_.waited = call.asked;
    }
    turn_.last = &call;
    place_ends_ = call.asked + call.patience + std::min(call.ttl, kLongestPlace);
  }

  const TimedHistory& history_;
  Turns& turns_;
  Turn turn_;
  Time came_ = 0;
  Time place_ends_ = 0;
  std::int64_t last_fence_ = 0;
  Time had_at_ = 0;  // when it asked for what told of a lease last
};

// All that were in the queue before somebody came, and what is the latest of them.
void judge_pool(std::vector<Turn> turns, Complaints& complaints) {
  std::vector<Turn> queued;
  for (const Turn& turn : turns)
    if (turn.queued != kNever) queued.push_back(turn);
  std::sort(queued.begin(), queued.end(),
            [](const Turn& a, const Turn& b) { return a.queued < b.queued; });
  std::sort(turns.begin(), turns.end(),
            [](const Turn& a, const Turn& b) { return a.came < b.came; });
  const Turn* last_granted = nullptr;
  const Turn* longest = nullptr;
  std::size_t next = 0;
  for (const Turn& turn : turns) {
    for (; next < queued.size() && queued[next].queued < turn.came; ++next) {
      const Turn& ahead = queued[next];
      if (ahead.fence != 0 && (last_granted == nullptr || ahead.fence > last_granted->fence))
        last_granted = &ahead;
      if (longest == nullptr || ahead.waited > longest->waited) longest = &ahead;
    }
    if (turn.fence == 0) continue;
    if (last_granted != nullptr && last_granted->fence > turn.fence)
      complaints.add("overtaken in the queue", {last_granted->last, turn.last});
    if (longest != nullptr && longest->waited > turn.last->told)
      complaints.add("overtaken while it waited", {longest->last, turn.last});
  }
}

}  // namespace

void judge_turns(const TimedHistory& history, Complaints& complaints) {
  Turns turns;
  for (const auto& calls : history.holders) {
    std::map<std::string, TurnReader> tokens;
    for (const TimedCall& call : calls) {
      if (call.token.empty())
        TurnReader(history, turns).meet(call);
      else
        tokens.try_emplace(call.token, history, turns).first->second.meet(call);
    }
    for (auto& [token, reader] : tokens) reader.leave();
  }
  for (auto& [pool, all] : turns) judge_pool(std::move(all), complaints);
}

}  // namespace numpool_test
