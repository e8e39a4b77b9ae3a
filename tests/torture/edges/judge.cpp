#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "torture/edges/belief.h"

namespace numpool_test {

namespace {

constexpr std::size_t kMostOfAKind = 5;

using Kind = std::string;

class Judge {
 public:
  Judge(Evidence evidence, const Limits& limits) : evidence_(std::move(evidence)), limits_(limits) {
    const auto earlier = [](const Stall& a, const Stall& b) { return a.from < b.from; };
    std::sort(evidence_.stalls.begin(), evidence_.stalls.end(), earlier);
    for (const Haze& haze : evidence_.hazes) by_door_[haze.door].push_back(&haze);
  }

  Verdict verdict() {
    std::map<std::pair<int, int>, std::vector<const Belief*>> by_number;
    for (const Belief& one : evidence_.beliefs) {
      by_number[{one.pool, one.index}].push_back(&one);
      if (one.lost) verdict_.told_lost++;
    }
    for (auto& [number, all] : by_number) judge_number(all);
    for (const Belief& one : evidence_.beliefs) judge_telling(one);
    return std::move(verdict_);
  }

 private:
  static double seconds(Time time) { return static_cast<double>(time) / 1e9; }

  static std::string text_of(const Belief& one) {
    char text[200];
    std::snprintf(text, sizeof text, "pool %d index %d fence %lld door %d from %.3f to %.3f%s",
                  one.pool, one.index, static_cast<long long>(one.fence), one.door,
                  seconds(one.begin), one.end == kNever ? -1.0 : seconds(one.end),
                  one.lost ? " (told lost)" : "");
    return text;
  }

  void violation(const Kind& kind, const std::string& detail) {
    if (++counts_[kind] <= kMostOfAKind) verdict_.violations.push_back(kind + ": " + detail);
  }

  // Without the time in which this process stood still.
  Time lived(Time from, Time until) const {
    Time sum = until - from;
    for (const Stall& stall : evidence_.stalls) {
      if (stall.from >= until) break;
      if (stall.until > from) sum -= std::min(stall.until, until) - std::max(stall.from, from);
    }
    return sum;
  }

  // How long the older one may go on after the number was taken: what he did not hear up to then,
  // or up to his end, in a haze, he may have missed.
  Time allowed(const Belief& older, Time taken, Time end, bool* hazy) const {
    Time most = limits_.in_clear;
    *hazy = false;
    const auto found = by_door_.find(older.door);
    if (found == by_door_.end()) return most;
    for (const Haze* haze : found->second) {
      const Time until = haze->until == kNever ? kNever : haze->until + limits_.in_clear;
      if (haze->from > end || until < taken - limits_.in_haze) continue;
      if (haze->late == kNever) {
        *hazy = true;
        return limits_.in_haze + limits_.grace;
      }
      most = std::max(most, limits_.in_clear + haze->late);
    }
    return most;
  }

  void judge_number(std::vector<const Belief*>& all) {
    std::sort(all.begin(), all.end(),
              [](const Belief* a, const Belief* b) { return a->fence < b->fence; });
    for (std::size_t i = 1; i < all.size(); i++) {
      const Belief &older = *all[i - 1], &newer = *all[i];
      const std::string both = text_of(older) + " / " + text_of(newer);
      if (older.fence == newer.fence) violation("a fence twice", both);
      judge_news(older, newer, both);
    }
    // The newest of the older ones that still believes need not be the neighbour.
    std::vector<const Belief*> going_on;
    for (const Belief* newer : all) {
      const auto over = [&](const Belief* older) { return older->end <= newer->begin; };
      going_on.erase(std::remove_if(going_on.begin(), going_on.end(), over), going_on.end());
      for (const Belief* older : going_on) judge_overlap(*older, *newer);
      going_on.push_back(newer);
    }
  }

  // The news of a grant may come when it is over, but not later than that of its loss.
  void judge_news(const Belief& older, const Belief& newer, const std::string& both) {
    if (older.begin <= newer.begin) return;
    bool hazy = false;
    const Time most = allowed(older, newer.begin, older.begin, &hazy);
    if (lived(newer.begin, older.begin) > most) violation("told of its grant too late", both);
  }

  void judge_overlap(const Belief& older, const Belief& newer) {
    const Time taken = std::max(newer.begin, older.begin);
    const Time took = older.end == kNever ? kNever : lived(taken, older.end);
    bool hazy = false;
    const Time most = allowed(older, taken, older.end, &hazy);
    verdict_.overlaps++;
    Time& longest = hazy ? verdict_.longest_in_haze : verdict_.longest_in_clear;
    longest = std::max(longest, took);
    if (took > most) {
      char text[60];
      std::snprintf(text, sizeof text, "for %.3f s of at most %.3f: ", seconds(took),
                    seconds(most));
      violation(hazy ? "two believe for too long, in haze" : "two believe for too long",
                text + text_of(older) + " / " + text_of(newer));
    }
  }

  void judge_telling(const Belief& one) {
    const auto found = by_door_.find(one.door);
    if (found == by_door_.end()) return;
    const Time most = limits_.in_haze + limits_.grace;
    for (const Haze* haze : found->second) {
      if (haze->late != kNever) continue;
      const Time from = std::max(haze->from, one.begin);
      const Time until = std::min(haze->until, one.end);
      if (until <= from || until == kNever || lived(from, until) <= most) continue;
      violation("told of its loss too late, or never", haze->kind + ", " + text_of(one));
    }
  }

  Evidence evidence_;
  Limits limits_;
  std::map<int, std::vector<const Haze*>> by_door_;
  std::map<Kind, std::size_t> counts_;
  Verdict verdict_;
};

}  // namespace

Verdict judge_beliefs(Evidence evidence, const Limits& limits) {
  return Judge(std::move(evidence), limits).verdict();
}

}  // namespace numpool_test
