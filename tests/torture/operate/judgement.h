// What the parts of the judge of the mix `operate` share.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "torture/operate/history.h"
#include "torture/operate/timeline.h"

namespace numpool_test::operate {

using Number = std::pair<int, int>;  // pool, index

// A grant with what follows from all that was told.
struct Turn {
  const Grant* grant;
  // The moment of the grant lies in between. Fences are drawn as numbers are granted, so what
  // others were told makes that narrower than from `asked` to `told`.
  Time after = 0, before = kNever;
  // Its holder surely had it at some moment from then on. 0: nothing is known.
  Time seen = 0;
  Time cause = kNever;  // nobody and nothing else than its holder may have ended it earlier
  Time held_until = 0;  // at least
  bool crashed = false;
};

struct PoolState {
  Timeline<Settings> settings;
  Timeline<bool> drained;
  Timeline<int> size;
  Timeline<Role> owner;
  Timeline<bool> guest;
};

// The history, arranged.
struct Evidence {
  explicit Evidence(History given);

  History history;
  std::vector<Turn> turns;  // by fence
  std::map<Number, std::vector<Turn*>> numbers;
  std::map<int, PoolState> pools;
  std::map<Number, Timeline<bool>> service;
  // What may have ended leases by force: by the fence that was named, or by the moment of the call.
  std::unordered_map<std::int64_t, std::vector<const Change*>> ends_by_fence;
  std::map<Number, Spans<const Change*>> ends;

 private:
  void settle_unknown();
  void arrange_changes();
  void narrow_grants();
};

class Findings {
 public:
  void add(const std::string& rule, const std::string& text);
  void add(const std::string& rule, std::initializer_list<const Grant*> grants,
           const std::string& text = "");
  void judged(const std::string& rule) { ++verdict_.judged[rule].count; }
  // It had so much time to spare.
  void judged(const std::string& rule, Time spare);
  Verdict take() { return std::move(verdict_); }

 private:
  std::map<std::string, int> counts_;
  Verdict verdict_;
};

// Whether a crash may have come in between.
bool crashed_between(const Evidence& evidence, Time from, Time until);

// Finds `cause`, `crashed` and `held_until`.
void find_ends(Evidence& evidence);

void judge_grants(const Evidence& evidence, Findings& findings);
void judge_rests(const Evidence& evidence, Findings& findings);
void judge_ends(const Evidence& evidence, Findings& findings);
void judge_states(const Evidence& evidence, Findings& findings);
void judge_rights(const Evidence& evidence, Findings& findings);

}  // namespace numpool_test::operate
