// - Two never believe that they hold a number at one time. A holder believes from when it was told
//   until its ttl after it asked; a session, until it gave the number up or the server crashed.
// - Of a number, who is told later is told no smaller fence; after a crash, a larger one.
#include <algorithm>
#include <map>
#include <set>

#include "torture/timed/judgement.h"

namespace numpool_test {

namespace {

using Number = std::pair<int, int>;  // pool, index

struct Belief {
  const TimedCall* call;
  Time begin, end;
};

// A belief that is a session's ends with the server.
Time cut(const TimedHistory& history, const TimedCall& call, Time begin, Time end, bool sessions) {
  for (const Outage& drop : history.drops)
    if (drop.pool == call.pool && call.asked < drop.over && end > drop.asked) end = drop.asked;
  if (!sessions) return end;
  for (const Outage& crash : history.crashes)
    if (crash.asked < end && crash.over > begin) end = crash.asked;
  return end;
}

std::map<Number, std::vector<Belief>> beliefs_of(const TimedHistory& history) {
  std::map<Number, std::vector<Belief>> all;
  const auto add = [&](const TimedCall& call, Time begin, Time end, bool sessions) {
    end = cut(history, call, begin, end, sessions);
    if (begin < end) all[{call.pool, call.index}].push_back({&call, begin, end});
  };
  for (const auto& calls : history.holders) {
    std::map<std::string, Time> released;  // from the end, by token
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
      if (call->verb == TimedVerb::kRelease) released[call->token] = call->asked;
      if (!call->tells() || call->index < 0) continue;
      if (call->verb == TimedVerb::kAcquire) {
        add(*call, call->told, call->given_up, true);
        continue;
      }
      const auto next = released.find(call->token);
      const Time latest = next == released.end() ? kNever : next->second;
      if (call->end_asked != call->asked)
        add(*call, call->told, std::min(call->end_asked, latest), true);
      if (call->fate == Fate::kStands)
        add(*call, call->end_told, std::min(call->end_asked + call->ttl, latest), false);
    }
  }
  for (auto& [number, beliefs] : all)
    std::sort(beliefs.begin(), beliefs.end(),
              [](const Belief& a, const Belief& b) { return a.begin < b.begin; });
  return all;
}

bool crashed_between(const TimedHistory& history, Time from, Time until) {
  return std::any_of(history.crashes.begin(), history.crashes.end(),
                     [&](const Outage& one) { return one.asked < until && one.over > from; });
}

void judge_two(const TimedHistory& history, const Belief& one, const Belief& other,
               Complaints& complaints) {
  const bool same_token = one.call->token == other.call->token;
  if (one.call->fence == other.call->fence) {
    // Who keeps a session's lease goes on with its fence.
    if (!same_token && !one.call->token.empty() && !other.call->token.empty())
      complaints.add("two tokens with one fence", {one.call, other.call});
  } else if (!same_token || one.call->token.empty()) {
    complaints.add("two holders", {one.call, other.call});
  } else if (!crashed_between(history, one.call->asked, other.call->told)) {
    complaints.add("a lease has another fence", {one.call, other.call});
  }
}

void judge_beliefs(const TimedHistory& history, Complaints& complaints) {
  for (const auto& [number, beliefs] : beliefs_of(history)) {
    const Belief* last = nullptr;  // of those so far, the one that ends last
    for (const Belief& belief : beliefs) {
      if (last != nullptr && belief.begin < last->end)
        judge_two(history, *last, belief, complaints);
      if (last == nullptr || belief.end > last->end) last = &belief;
    }
  }
}

// The greatest fence that somebody was told before a moment.
class ToldFences {
 public:
  void add(const TimedCall& call) { calls_.push_back(&call); }

  void arrange() {
    std::sort(calls_.begin(), calls_.end(),
              [](const TimedCall* a, const TimedCall* b) { return a->told < b->told; });
    greatest_.reserve(calls_.size());
    for (const TimedCall* call : calls_)
      greatest_.push_back(
          greatest_.empty() || call->fence > greatest_.back()->fence ? call : greatest_.back());
  }

  const TimedCall* before(Time moment) const {
    const auto end =
        std::lower_bound(calls_.begin(), calls_.end(), moment,
                         [](const TimedCall* call, Time time) { return call->told < time; });
    return end == calls_.begin() ? nullptr
                                 : greatest_[static_cast<std::size_t>(end - calls_.begin() - 1)];
  }

  const std::vector<const TimedCall*>& calls() const { return calls_; }

 private:
  std::vector<const TimedCall*> calls_;
  std::vector<const TimedCall*> greatest_;
};

void judge_fences(const TimedHistory& history, Complaints& complaints) {
  std::map<Number, ToldFences> numbers;
  for (const auto& calls : history.holders)
    for (const TimedCall& call : calls)
      if (call.tells() && call.index >= 0) numbers[{call.pool, call.index}].add(call);
  for (auto& [number, told] : numbers) {
    told.arrange();
    for (const TimedCall* call : told.calls()) {
      const TimedCall* earlier = told.before(call->asked);
      if (earlier != nullptr && earlier->fence > call->fence)
        complaints.add("fences against time", {earlier, call});
      for (const Outage& crash : history.crashes) {
        if (crash.over > call->asked) continue;
        earlier = told.before(crash.asked);
        if (earlier != nullptr && earlier->fence >= call->fence)
          complaints.add("no larger fence after a crash", {earlier, call});
      }
    }
  }
}

}  // namespace

void Complaints::add(const std::string& kind, std::initializer_list<const TimedCall*> calls) {
  if (++counts_[kind] > 3) return;
  std::string text = kind + ":";
  for (const TimedCall* call : calls) text += "\n    " + describe(*call);
  all_.push_back(text);
}

std::string describe(const TimedCall& call) {
  static const char* const kVerbs[] = {"lease", "keep", "renew", "release", "acquire"};
  static const char* const kFates[] = {"", ", undone", ", end unknown"};
  const auto at = [](Time time) { return time == kNever ? "never" : std::to_string(time); };
  return std::string(kVerbs[static_cast<int>(call.verb)]) + " pool " + std::to_string(call.pool) +
         " number " + std::to_string(call.index) + " fence " + std::to_string(call.fence) +
         " token " + call.token + " ttl " + std::to_string(call.ttl) + " asked " + at(call.asked) +
         " told " + at(call.told) + " end " + at(call.end_asked) + " to " + at(call.end_told) +
         (call.verb == TimedVerb::kRelease && call.freed ? ", freed" : "") +
         kFates[static_cast<int>(call.fate)];
}

std::vector<std::string> judge_timed(const TimedHistory& history) {
  Complaints complaints;
  judge_beliefs(history, complaints);
  judge_fences(history, complaints);
  judge_tokens(history, complaints);
  judge_turns(history, complaints);
  return complaints.all();
}

}  // namespace numpool_test
