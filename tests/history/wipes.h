// The times at which pools were dropped, by whoever meddles with definitions: within each of them
// every lease of a pool may have ended without its holder's being told.
#pragma once

#include <map>
#include <vector>

#include "history/event.h"

namespace numpool_test {

class Wipes {
 public:
  static constexpr int kEveryPool = -1;

  struct Span {
    Time asked, told;
  };

  void add(int pool, Time asked, Time told);
  // All are added; to be called before the others.
  void sort();
  // The first one of the pool that was not over at `time`; nullptr if there is none.
  const Span* first_after(int pool, Time time) const;
  // Whether one of the pool lies, if only in part, between the two times.
  bool between(int pool, Time from, Time to) const;
  bool any_between(Time from, Time to) const;

 private:
  std::map<int, std::vector<Span>> by_pool_;  // without those of every pool
  std::vector<Span> of_every_pool_, all_;
};

}  // namespace numpool_test
