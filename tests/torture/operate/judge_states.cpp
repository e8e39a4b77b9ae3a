// - No number is given while it is surely out of service, its pool drained, or above the size.
// - Nobody is told that a pool is idle while somebody surely held a number of it all the time.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

void judge_state(const Evidence& evidence, const Turn& turn, Findings& findings) {
  const Grant& grant = *turn.grant;
  const auto service = evidence.service.find({grant.pool, grant.index});
  if (service != evidence.service.end()) {
    const Timeline<bool>& line = service->second;
    if (line.surely(turn.after, turn.before, [](bool on) { return !on; }))
      findings.add("given while out of service", {&grant});
  }
  const auto pool = evidence.pools.find(grant.pool);
  if (pool == evidence.pools.end()) return;
  if (pool->second.drained.surely(turn.after, turn.before, [](bool on) { return on; }))
    findings.add("given while drained", {&grant});
  findings.judged("given above the size");
  if (pool->second.size.surely(turn.after, turn.before,
                               [&](int size) { return grant.index >= size; }))
    findings.add("given above the size", {&grant});
}

// Each time when nothing was to be given for a while that is known.
void count_pauses(const Evidence& evidence, Findings& findings) {
  for (const Change& change : evidence.history.changes) {
    if (change.fate != Fate::kStands || !change.state.empty() || change.asked == 0) continue;
    const Time moment = change.end_told + 1;
    if (change.act == Act::kService &&
        evidence.service.at({change.pool, change.index}).surely(moment, moment, [](bool on) {
          return !on;
        }))
      findings.judged("given while out of service");
    if (change.act == Act::kDrain &&
        evidence.pools.at(change.pool).drained.surely(moment, moment, [](bool on) { return on; }))
      findings.judged("given while drained");
  }
}

// Of each pool its grants in the order of `before`, with the one so far that was surely held
// longest.
void judge_idles(const Evidence& evidence, Findings& findings) {
  const char* const kRule = "told idle while somebody held";
  std::map<int, std::vector<std::pair<const Turn*, const Turn*>>> pools;
  for (const Turn& turn : evidence.turns) {
    auto& all = pools[turn.grant->pool];
    const bool longer = all.empty() || turn.held_until > all.back().second->held_until;
    all.emplace_back(&turn, longer ? &turn : all.back().second);
  }
  for (const Idle& idle : evidence.history.idles) {
    findings.judged(kRule);
    const auto& all = pools[idle.pool];
    const auto end =
        std::lower_bound(all.begin(), all.end(), idle.asked,
                         [](const auto& one, Time time) { return one.first->before < time; });
    if (end == all.begin()) continue;
    const Turn& longest = *(end - 1)->second;
    if (longest.held_until > idle.told)
      findings.add(kRule, {longest.grant},
                   "asked " + std::to_string(idle.asked) + " told " + std::to_string(idle.told));
  }
}

}  // namespace

void judge_states(const Evidence& evidence, Findings& findings) {
  for (const Turn& turn : evidence.turns) judge_state(evidence, turn, findings);
  count_pauses(evidence, findings);
  judge_idles(evidence, findings);
}

}  // namespace numpool_test::operate
