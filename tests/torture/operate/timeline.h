// What was in force when. Of a change only two moments are known, between which it takes effect; so
// of any time one can tell which values are possible.
#pragma once

#include <algorithm>
#include <vector>

#include "torture/operate/history.h"

namespace numpool_test::operate {

// Spans of time with something each; finds those that meet another span.
template <typename Value>
class Spans {
 public:
  struct Span {
    Time from, until;
    Value value;
  };

  void add(Time from, Time until, Value value) { all_.push_back({from, until, value}); }

  void arrange() {
    std::sort(all_.begin(), all_.end(),
              [](const Span& a, const Span& b) { return a.from < b.from; });
    latest_.clear();
    for (const Span& span : all_)
      latest_.push_back(latest_.empty() ? span.until : std::max(latest_.back(), span.until));
  }

  // Calls `visit` with each that meets the time, the latest first.
  template <typename Visit>
  void visit(Time from, Time until, Visit visit) const {
    auto at = static_cast<std::size_t>(
        std::upper_bound(all_.begin(), all_.end(), until,
                         [](Time time, const Span& span) { return time < span.from; }) -
        all_.begin());
    for (; at > 0 && latest_[at - 1] >= from; --at)
      if (all_[at - 1].until >= from) visit(all_[at - 1]);
  }

  const std::vector<Span>& all() const { return all_; }

 private:
  std::vector<Span> all_;
  std::vector<Time> latest_;  // the greatest `until` so far
};

template <typename Value>
class Timeline {
 public:
  // In force from a moment between `begin` and `end` on, or perhaps never if it is not `sure`.
  void add(Time begin, Time end, bool sure, Value value) {
    changes_.push_back({begin, end, sure, value});
  }

  // A value may be in force until another has surely come after it.
  void arrange() {
    std::sort(changes_.begin(), changes_.end(),
              [](const Change& a, const Change& b) { return a.begin < b.begin; });
    std::vector<Time> replaced(changes_.size() + 1, kNever);  // by those from there on
    for (std::size_t i = changes_.size(); i > 0; --i)
      replaced[i - 1] =
          changes_[i - 1].sure ? std::min(replaced[i], changes_[i - 1].end) : replaced[i];
    for (const Change& change : changes_) {
      const auto later =
          std::upper_bound(changes_.begin(), changes_.end(), change.end,
                           [](Time time, const Change& other) { return time < other.begin; });
      const Time until = replaced[static_cast<std::size_t>(later - changes_.begin())];
      spans_.add(change.begin, until, change.value);
    }
    spans_.arrange();
  }

  // Calls `visit` with each span of a value that was possible at some moment in between.
  template <typename Visit>
  void possible(Time from, Time until, Visit visit) const {
    spans_.visit(from, until, visit);
  }

  // Whether something was in force in between, and the test is true of all that may have been.
  template <typename Test>
  bool surely(Time from, Time until, Test test) const {
    bool any = false, all = true;
    possible(from, until, [&](const auto& span) {
      any = true;
      all = all && test(span.value);
    });
    return any && all;
  }

 private:
  struct Change {
    Time begin, end;
    bool sure;
    Value value;
  };
  std::vector<Change> changes_;
  Spans<Value> spans_;
};

}  // namespace numpool_test::operate
