// The history, arranged for the rules: who acted when, what was in force, in which order numbers
// were granted.
#include "torture/operate/judgement.h"

namespace numpool_test::operate {

namespace {

std::string at(Time time) {
  return time == kNever ? "never" : std::to_string(time);
}

const char* text_of(Scope scope) {
  static const char* const kScopes[] = {"session", "transaction", "token"};
  return kScopes[static_cast<int>(scope)];
}

const char* text_of(End end) {
  static const char* const kEnds[] = {"open", "released", "lost", "severed", "gone", "left"};
  return kEnds[static_cast<int>(end)];
}

const char* text_of(Fate fate) {
  static const char* const kFates[] = {"stands", "undone", "unknown"};
  return kFates[static_cast<int>(fate)];
}

std::string what_of(const Change& change) {
  const std::string on = change.on ? " on" : " off";
  switch (change.act) {
    case Act::kEndLease:
      return "end_lease of fence " + std::to_string(change.fence);
    case Act::kService:
      return "service" + on;
    case Act::kDrain:
      return "drain" + on;
    case Act::kConfigure:
      return "cooldown " + std::to_string(change.settings.cooldown) + " death_delay " +
             std::to_string(change.settings.death_delay) + " max_hold " +
             std::to_string(change.settings.max_hold);
    case Act::kResize:
      return "size " + std::to_string(change.size);
    case Act::kSetOwner:
      return "owner " + name_of(change.to);
    case Act::kGrant:
      return "guest" + on;
    case Act::kResetCounters:
      return "reset_counters";
  }
  return "";
}

}  // namespace

std::string name_of(Role role) {
  static const char* const kNames[] = {"postgres", "op_chief", "op_red",     "op_blue",
                                       "op_user",  "op_guest", "op_stranger"};
  return kNames[static_cast<int>(role)];
}

std::string describe(const Grant& grant) {
  return "pool " + std::to_string(grant.pool) + " number " + std::to_string(grant.index) +
         " fence " + std::to_string(grant.fence) + " " + text_of(grant.scope) + " pid " +
         std::to_string(grant.pid) + " connected " + at(grant.connected) + " asked " +
         at(grant.asked) + " told " + at(grant.told) + " seen " + at(grant.seen) + " over " +
         at(grant.over) + " " + text_of(grant.end) + " end " + at(grant.end_asked) + " to " +
         at(grant.end_told);
}

std::string describe(const Change& change) {
  return "pool " + std::to_string(change.pool) + " number " + std::to_string(change.index) + " " +
         what_of(change) + " by " + name_of(change.by) + " asked " + at(change.asked) + " told " +
         at(change.told) + (change.answered ? "" : " no answer") + " " + change.state +
         (change.answer ? "" : " false") + " end " + at(change.end_asked) + " to " +
         at(change.end_told) + " " + text_of(change.fate);
}

std::string describe(const Crash& crash) {
  return "crash asked " + at(crash.asked) + " down " + at(crash.down) + " dead " + at(crash.dead) +
         " over " + at(crash.over);
}

bool crashed_between(const Evidence& evidence, Time from, Time until) {
  for (const Crash& crash : evidence.history.crashes)
    if (crash.asked <= until && crash.over >= from) return true;
  return false;
}

Evidence::Evidence(History given) : history(std::move(given)) {
  settle_unknown();
  arrange_changes();
  narrow_grants();
}

// What was committed when the server crashed takes effect until it is there again.
void Evidence::settle_unknown() {
  for (Change& change : history.changes) {
    if (change.fate != Fate::kUnknown) continue;
    for (const Crash& crash : history.crashes)
      if (crash.asked <= change.end_told && crash.over >= change.end_asked)
        change.end_told = std::max(change.end_told, crash.over);
  }
}

void Evidence::arrange_changes() {
  for (const Change& change : history.changes) {
    if (change.fate == Fate::kUndone || !change.state.empty()) continue;
    const bool sure = change.fate == Fate::kStands;
    const Time begin = change.end_asked, end = change.end_told;
    const Number number{change.pool, change.index};
    // As it is before the first change.
    const auto [found, is_new_pool] = pools.try_emplace(change.pool);
    PoolState& pool = found->second;
    if (is_new_pool) pool.drained.add(0, 0, true, false);
    if (change.act == Act::kService) {
      const auto [line, is_new] = service.try_emplace(number);
      if (is_new) line->second.add(0, 0, true, true);
      line->second.add(begin, end, sure, change.on);
    }
    if (change.act == Act::kDrain) pool.drained.add(begin, end, sure, change.on);
    if (change.act == Act::kConfigure) pool.settings.add(begin, end, sure, change.settings);
    if (change.act == Act::kResize) pool.size.add(begin, end, sure, change.size);
    if (change.act == Act::kSetOwner) pool.owner.add(begin, end, sure, change.to);
    if (change.act == Act::kGrant) pool.guest.add(begin, end, sure, change.on);
    if (change.act != Act::kEndLease || !change.answer) continue;
    if (change.fence != 0)
      ends_by_fence[change.fence].push_back(&change);
    else
      ends[number].add(change.asked, change.told, &change);
  }
  for (auto& [number, line] : service) line.arrange();
  for (auto& [number, spans] : ends) spans.arrange();
  for (auto& [number, pool] : pools) {
    pool.drained.arrange();
    pool.settings.arrange();
    pool.size.arrange();
    pool.owner.arrange();
    pool.guest.arrange();
  }
}

// Whoever has a greater fence was granted his number later.
void Evidence::narrow_grants() {
  for (const Grant& grant : history.grants) turns.push_back({&grant});
  std::sort(turns.begin(), turns.end(),
            [](const Turn& a, const Turn& b) { return a.grant->fence < b.grant->fence; });
  Time latest = 0;
  for (Turn& turn : turns) turn.after = latest = std::max(latest, turn.grant->asked);
  Time earliest = kNever;
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn)
    turn->before = earliest = std::min(earliest, turn->grant->told);
  for (Turn& turn : turns) numbers[{turn.grant->pool, turn.grant->index}].push_back(&turn);
}

void Findings::add(const std::string& rule, const std::string& text) {
  if (++counts_[rule] > 3) return;
  verdict_.violations.push_back(rule + ": " + text);
}

void Findings::add(const std::string& rule, std::initializer_list<const Grant*> grants,
                   const std::string& text) {
  std::string all = text;
  for (const Grant* grant : grants) all += "\n    " + describe(*grant);
  add(rule, all);
}

void Findings::judged(const std::string& rule, Time spare) {
  Judged& judged = verdict_.judged[rule];
  ++judged.count;
  judged.closest = std::min(judged.closest, spare);
}

std::vector<std::string> rules() {
  return {"fences against time",
          "two holders",
          "given within its cooldown",
          "given within the death_delay of a bad end",
          "given within death_delay after a start",
          "held longer than max_hold",
          "lost without a cause",
          "ended, and goes on",
          "ended by an old fence",
          "said to have no such lease",
          "a stranger's lease goes on",
          "given while out of service",
          "given while drained",
          "given above the size",
          "told idle while somebody held",
          "operated without the right to",
          "refused who may operate",
          "used without the right to",
          "refused who may use"};
}

Verdict judge(History history) {
  Evidence evidence(std::move(history));
  find_ends(evidence);
  Findings findings;
  judge_grants(evidence, findings);
  judge_rests(evidence, findings);
  judge_ends(evidence, findings);
  judge_states(evidence, findings);
  judge_rights(evidence, findings);
  return findings.take();
}

}  // namespace numpool_test::operate
