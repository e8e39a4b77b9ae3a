// - Who surely may not operate a pool, or use it, is refused with 42501, and who surely may is not.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

const char kRefusal[] = "42501";

bool operates(Role role, Role owner) {
  if (role == Role::kSuperuser) return true;
  if (role == Role::kChief) return owner == Role::kRed || owner == Role::kBlue;
  return role == owner;
}

bool may_become(Role role, Role other) {
  return operates(role, other);
}

// The two rules for one call, of who may by what was in force, and of who may not.
void judge_call(Findings& findings, bool may, bool may_not, bool refused, const std::string& call,
                const char* no_right, const char* no_reason) {
  if (may_not) findings.judged(no_right);
  if (may) findings.judged(no_reason);
  if (may_not && !refused) findings.add(no_right, call);
  if (may && refused) findings.add(no_reason, call);
}

void judge_operator(const Evidence& evidence, const Change& change, Findings& findings) {
  if (!change.answered || change.asked == 0) return;
  const auto pool = evidence.pools.find(change.pool);
  if (pool == evidence.pools.end()) return;
  const Timeline<Role>& owner = pool->second.owner;
  const auto test = [&](bool wanted) {
    return owner.surely(change.asked, change.told, [&](Role one) {
      return (operates(change.by, one) &&
              (change.act != Act::kSetOwner || may_become(change.by, change.to))) == wanted;
    });
  };
  const bool refused = change.state == kRefusal;
  // An index above the size, or what of others is in the way.
  const bool failed = !change.state.empty() && !refused;
  judge_call(findings, test(true), !failed && test(false), refused, describe(change),
             "operated without the right to", "refused who may operate");
}

void judge_user(const Evidence& evidence, const Use& use, Findings& findings) {
  const auto pool = evidence.pools.find(use.pool);
  if (pool == evidence.pools.end()) return;
  const auto test = [&](bool wanted) {
    if (use.by != Role::kGuest) return (use.by == Role::kUser) == wanted;
    return pool->second.guest.surely(use.asked, use.told, [&](bool on) { return on == wanted; });
  };
  const std::string call = name_of(use.by) + " pool " + std::to_string(use.pool) + " asked " +
                           std::to_string(use.asked) + " told " + std::to_string(use.told);
  judge_call(findings, test(true), test(false), use.refused, call, "used without the right to",
             "refused who may use");
}

}  // namespace

void judge_rights(const Evidence& evidence, Findings& findings) {
  for (const Change& change : evidence.history.changes) judge_operator(evidence, change, findings);
  for (const Use& use : evidence.history.uses) judge_user(evidence, use, findings);
}

}  // namespace numpool_test::operate
