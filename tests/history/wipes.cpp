#include "wipes.h"

#include <algorithm>

namespace numpool_test {

namespace {

using Spans = std::vector<Wipes::Span>;

// Sorts, and joins those that overlap, so that their ends are sorted too.
void tidy(Spans& spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Wipes::Span& a, const Wipes::Span& b) { return a.asked < b.asked; });
  Spans joined;
  for (const Wipes::Span& span : spans) {
    if (!joined.empty() && span.asked <= joined.back().told)
      joined.back().told = std::max(joined.back().told, span.told);
    else
      joined.push_back(span);
  }
  spans = std::move(joined);
}

const Wipes::Span* first_of(const Spans& spans, Time time) {
  const auto found = std::lower_bound(spans.begin(), spans.end(), time,
                                      [](const Wipes::Span& s, Time t) { return s.told < t; });
  return found == spans.end() ? nullptr : &*found;
}

}  // namespace

void Wipes::add(int pool, Time asked, Time told) {
  all_.push_back({asked, told});
  if (pool == kEveryPool)
    of_every_pool_.push_back({asked, told});
  else
    by_pool_[pool].push_back({asked, told});
}

void Wipes::sort() {
  tidy(all_);
  tidy(of_every_pool_);
  for (auto& [pool, spans] : by_pool_) tidy(spans);
}

const Wipes::Span* Wipes::first_after(int pool, Time time) const {
  const Span* every = first_of(of_every_pool_, time);
  const auto own = by_pool_.find(pool);
  const Span* one = own == by_pool_.end() ? nullptr : first_of(own->second, time);
  if (one == nullptr || every == nullptr) return one == nullptr ? every : one;
  return one->asked < every->asked ? one : every;
}

bool Wipes::between(int pool, Time from, Time to) const {
  const Span* first = first_after(pool, from);
  return first != nullptr && first->asked <= to;
}

bool Wipes::any_between(Time from, Time to) const {
  const Span* first = first_of(all_, from);
  return first != nullptr && first->asked <= to;
}

}  // namespace numpool_test
