// - A number is not given again before it has rested: for the shortest cooldown that may have been
//   in force meanwhile; after what was surely a bad end, for the death_delay if that is longer.
// - After a start no number of a pool with death_delay is given before it is over. Left out is one
//   whose timed lease came back from its row and was released since.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

const char kCooldown[] = "given within its cooldown";
const char kDeath[] = "given within the death_delay of a bad end";
const char kStart[] = "given within death_delay after a start";

// Whoever did nothing to end his lease has lost it by a bad end, unless the server went.
bool ends_badly(const Turn& turn) {
  const End end = turn.grant->end;
  return end == End::kLost || end == End::kSevered || end == End::kGone || end == End::kLeft;
}

// The shortest that may have been in force in between.
Settings shortest(const Evidence& evidence, int pool, Time from, Time until) {
  Settings least = {kNever, kNever, 0};
  const auto found = evidence.pools.find(pool);
  if (found != evidence.pools.end())
    found->second.settings.possible(from, until, [&](const auto& span) {
      least.cooldown = std::min(least.cooldown, span.value.cooldown);
      least.death_delay = std::min(least.death_delay, span.value.death_delay);
    });
  if (least.cooldown == kNever) least = {};
  return least;
}

void judge_pair(const Evidence& evidence, const Turn& first, const Turn& next, Findings& findings) {
  if (first.held_until == 0 || first.crashed) return;
  if (next.before < first.held_until) return;  // two holders
  if (crashed_between(evidence, first.held_until, next.before)) return;
  const Settings rest = shortest(evidence, next.grant->pool, first.held_until, next.before);
  const Time gap = next.before - first.held_until;
  const auto check = [&](const char* rule, Time least) {
    if (least == 0) return;
    findings.judged(rule, gap - least);
    if (gap < least)
      findings.add(rule, {first.grant, next.grant},
                   "at most " + std::to_string(gap) + " ns, of " + std::to_string(least));
  };
  check(kCooldown, rest.cooldown);
  if (ends_badly(first)) check(kDeath, rest.death_delay);
}

// Whether this may be a timed lease that came back after the crash and was released before `next`.
bool came_back(const Turn& turn, const Crash& crash, const Turn& next) {
  const Grant& grant = *turn.grant;
  if (grant.scope != Scope::kToken || grant.end_told < crash.asked) return false;
  // Of one that is gone its holder was told another fence, and released that.
  return (grant.end == End::kReleased && grant.end_asked <= next.before) ||
         (grant.end == End::kGone && grant.end_told <= next.before);
}

// Of each number the first grant on a new server.
void judge_start(const Evidence& evidence, const Crash& crash, const Turn& first,
                 Findings& findings) {
  const Settings rest = shortest(evidence, first.grant->pool, crash.asked, first.before);
  if (rest.death_delay == 0) return;
  const Time since = first.before - crash.dead;
  findings.judged(kStart, since - rest.death_delay);
  if (since < rest.death_delay)
    findings.add(kStart, {first.grant}, describe(crash) + " " + std::to_string(since) + " ns");
}

}  // namespace

void judge_rests(const Evidence& evidence, Findings& findings) {
  for (const auto& [number, turns] : evidence.numbers) {
    for (std::size_t i = 1; i < turns.size(); ++i)
      judge_pair(evidence, *turns[i - 1], *turns[i], findings);
    for (const Crash& crash : evidence.history.crashes) {
      const auto first = std::find_if(turns.begin(), turns.end(), [&](const Turn* turn) {
        return turn->grant->connected > crash.down;
      });
      if (first == turns.end()) continue;
      const bool was_out_of_it = std::any_of(
          turns.begin(), first, [&](const Turn* turn) { return came_back(*turn, crash, **first); });
      if (!was_out_of_it) judge_start(evidence, crash, **first, findings);
    }
  }
}

}  // namespace numpool_test::operate
