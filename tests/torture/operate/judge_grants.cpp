// - Of any two grants the later one has the greater fence.
// - Nobody is granted a number while another surely has it: from his grant until he asks to end it,
// or
//   until the first moment when something else may have ended it.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

// The first moment of something that may have ended the lease.
class CauseFinder {
 public:
  CauseFinder(const Evidence& evidence, Turn& turn)
      : evidence_(evidence), turn_(turn), grant_(*turn.grant) {}

  void find(const std::map<int, std::vector<const Termination*>>& terminations) {
    cause(grant_.over);
    find_forced();
    find_crashes();
    find_holds();
    if (grant_.scope == Scope::kToken) return;
    const auto own = terminations.find(grant_.pid);
    if (own == terminations.end()) return;
    for (const Termination* one : own->second)
      if (one->told >= grant_.connected) cause(one->asked);
  }

 private:
  void cause(Time time) { turn_.cause = std::min(turn_.cause, std::max(time, turn_.after)); }

  void find_forced() {
    const auto named = evidence_.ends_by_fence.find(grant_.fence);
    if (named != evidence_.ends_by_fence.end())
      for (const Change* end : named->second) cause(end->end_asked);
    const auto others = evidence_.ends.find({grant_.pool, grant_.index});
    if (others == evidence_.ends.end()) return;
    // It ends whose lease the number had at the call.
    others->second.visit(turn_.after, grant_.end_told,
                         [&](const auto& span) { cause(span.value->end_asked); });
  }

  void find_crashes() {
    for (const Crash& crash : evidence_.history.crashes) {
      if (crash.over < grant_.asked || grant_.connected > crash.down) continue;
      cause(crash.asked);
      if (crash.asked <= grant_.end_told) turn_.crashed = true;
    }
  }

  // It counts by the clock of the grant, which may have been read before others were granted
  // theirs.
  void find_holds() {
    const auto pool = evidence_.pools.find(grant_.pool);
    if (pool == evidence_.pools.end()) return;
    pool->second.settings.possible(grant_.asked, grant_.end_told, [&](const auto& span) {
      const Time most = span.value.max_hold;
      if (most == 0) return;
      // What is taken for a token is the session's until COMMIT only.
      if (grant_.scope == Scope::kToken && grant_.asked + most > grant_.told) return;
      cause(std::max(span.from, grant_.asked + most));
    });
  }

  const Evidence& evidence_;
  Turn& turn_;
  const Grant& grant_;
};

Time own_end(const Grant& grant) {
  if (grant.end == End::kReleased || grant.end == End::kSevered) return grant.end_asked;
  // Nothing is claimed of a lease beyond what was seen of it.
  if (grant.end == End::kOpen) return grant.told;
  return kNever;
}

}  // namespace

void find_ends(Evidence& evidence) {
  std::map<int, std::vector<const Termination*>> terminations;
  for (const Termination& one : evidence.history.terminations)
    terminations[one.pid].push_back(&one);
  for (Turn& turn : evidence.turns) {
    CauseFinder(evidence, turn).find(terminations);
    // What a token has after a crash is another lease, and may be one that was over before.
    const bool another = turn.grant->scope == Scope::kToken && turn.crashed;
    turn.seen = another ? 0 : turn.grant->seen;
    const Time end = std::min(own_end(*turn.grant), turn.cause);
    // Without a cause (which is found elsewhere) nothing more is known.
    turn.held_until = end == kNever ? turn.seen : std::max(end, turn.seen);
  }
}

void judge_grants(const Evidence& evidence, Findings& findings) {
  const Turn* last = nullptr;
  const Grant* latest = nullptr;  // that was asked for last of those with smaller fences
  for (const Turn& turn : evidence.turns) {
    findings.judged("fences against time");
    if (last != nullptr && last->grant->fence == turn.grant->fence)
      findings.add("a fence twice", {last->grant, turn.grant});
    if (latest != nullptr && latest->asked > turn.grant->told)
      findings.add("fences against time", {latest, turn.grant});
    if (latest == nullptr || turn.grant->asked > latest->asked) latest = turn.grant;
    last = &turn;
  }
  for (const auto& [number, turns] : evidence.numbers) {
    for (std::size_t i = 1; i < turns.size(); ++i) {
      findings.judged("two holders");
      if (turns[i]->before < turns[i - 1]->held_until)
        findings.add("two holders", {turns[i - 1]->grant, turns[i]->grant});
    }
  }
}

}  // namespace numpool_test::operate
