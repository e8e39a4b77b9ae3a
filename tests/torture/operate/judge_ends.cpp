// - Whoever loses a lease loses it to something: its end by force, max_hold, its time, a
// termination, a
//   crash. The end of another's lease of the same number is nothing of that kind.
// - A lease that was ended by force does not go on after COMMIT, or, if it is a token's that
// another
//   transaction is about to end, when that is over; one that is there is found, and
// one that
//   is over is not.
// - No lease of a session is there longer than max_hold.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

const char kHold[] = "held longer than max_hold";
const char kStranger[] = "a stranger's lease goes on";

class EndJudge {
 public:
  EndJudge(const Evidence& evidence, Findings& findings)
      : evidence_(evidence), findings_(findings) {
    for (const Turn& turn : evidence.turns) by_fence_[turn.grant->fence] = &turn;
    for (const Change& change : evidence.history.changes) {
      if (change.act != Act::kEndLease || !change.state.empty()) continue;
      const Number number{change.pool, change.index};
      calls_[number].add(change.asked, change.end_told, &change);
      if (change.fate == Fate::kStands)
        stale_[number].add(change.end_asked, change.end_told, &change);
    }
    for (auto& [number, spans] : stale_) spans.arrange();
    for (auto& [number, spans] : calls_) spans.arrange();
  }

  void judge() {
    for (const Turn& turn : evidence_.turns) {
      judge_loss(turn);
      judge_hold(turn);
    }
    for (const Change& change : evidence_.history.changes)
      if (change.act == Act::kEndLease && change.answered && change.state.empty())
        judge_call(change);
  }

 private:
  void judge_loss(const Turn& turn) {
    const Grant& grant = *turn.grant;
    const bool lost = grant.end == End::kLost || grant.end == End::kGone;
    const bool uncaused = lost && turn.cause > grant.end_told;
    const bool beside = meets_end_of_another(turn);
    if (beside) findings_.judged(kStranger);
    if (lost) findings_.judged("lost without a cause");
    if (uncaused) findings_.add(beside ? kStranger : "lost without a cause", {&grant});
  }

  // Whether the end of an earlier lease of the number, or what was to be one, was committed while
  // this one was there.
  bool meets_end_of_another(const Turn& turn) const {
    const Grant& grant = *turn.grant;
    const auto spans = stale_.find({grant.pool, grant.index});
    if (spans == stale_.end()) return false;
    const Time until = grant.end == End::kReleased ? grant.end_asked : grant.end_told;
    bool found = false;
    spans->second.visit(turn.before, until, [&](const auto& span) {
      const Change& end = *span.value;
      const bool others = end.fence != 0 ? end.fence != grant.fence : end.told < turn.after;
      found = found || (others && end.end_asked >= turn.before && end.end_told <= until);
    });
    return found;
  }

  void judge_hold(const Turn& turn) {
    const Grant& grant = *turn.grant;
    if (grant.scope == Scope::kToken) return;
    const Time looked = std::max(turn.seen, grant.end == End::kLost ? grant.end_asked : 0);
    if (looked == 0 || looked == kNever) return;
    const auto pool = evidence_.pools.find(grant.pool);
    if (pool == evidence_.pools.end()) return;
    Time most = 0;
    bool limited = false, always = true;
    pool->second.settings.possible(looked - kHoldSlack, looked, [&](const auto& span) {
      limited = true;
      always = always && span.value.max_hold != 0;
      most = std::max(most, span.value.max_hold);
    });
    if (!limited || !always || turn.before > looked - kHoldSlack - most) return;
    findings_.judged(kHold);
    if (turn.seen > turn.before + most + kHoldSlack) findings_.add(kHold, {&grant});
  }

  // The last grant of the number of which somebody was told before that moment.
  const Turn* last_before(const Change& change) const {
    const auto found = evidence_.numbers.find({change.pool, change.index});
    if (found == evidence_.numbers.end()) return nullptr;
    const auto end =
        std::upper_bound(found->second.begin(), found->second.end(), change.asked,
                         [](Time time, const Turn* turn) { return time < turn->before; });
    return end == found->second.begin() ? nullptr : *(end - 1);
  }

  const Turn* meant(const Change& change) const {
    if (change.fence == 0) return last_before(change);
    const auto found = by_fence_.find(change.fence);
    if (found == by_fence_.end()) return nullptr;
    const Grant& grant = *found->second->grant;
    return grant.pool == change.pool && grant.index == change.index ? found->second : nullptr;
  }

  // When the lease is over that was ended. The user of a token, which is who is about to end what
  // it has, keeps it until his transaction is over.
  Time ended_at(const Change& change, const Turn& turn) const {
    Time moment = change.end_told;
    if (turn.grant->scope != Scope::kToken) return moment;
    calls_.at({change.pool, change.index})
        .visit(change.end_asked, change.end_told,
               [&](const auto& span) { moment = std::max(moment, span.until); });
    return moment;
  }

  void judge_call(const Change& change) {
    const Turn* turn = meant(change);
    if (turn != nullptr && change.answer && change.fate == Fate::kStands) {
      findings_.judged("ended, and goes on");
      if (turn->seen > ended_at(change, *turn))
        findings_.add("ended, and goes on", {turn->grant}, describe(change));
    }
    if (turn != nullptr && turn->before <= change.asked && turn->held_until > change.told) {
      findings_.judged("said to have no such lease");
      if (!change.answer)
        findings_.add("said to have no such lease", {turn->grant}, describe(change));
    }
    const Turn* last = change.fence != 0 ? last_before(change) : nullptr;
    if (last == nullptr || last->grant->fence <= change.fence) return;
    findings_.judged("ended by an old fence");
    if (change.answer) findings_.add("ended by an old fence", {last->grant}, describe(change));
  }

  const Evidence& evidence_;
  Findings& findings_;
  std::unordered_map<std::int64_t, const Turn*> by_fence_;
  std::map<Number, Spans<const Change*>> stale_;  // the ends of their transactions
  std::map<Number, Spans<const Change*>> calls_;  // from the call until then
};

}  // namespace

void judge_ends(const Evidence& evidence, Findings& findings) {
  EndJudge(evidence, findings).judge();
}

}  // namespace numpool_test::operate
