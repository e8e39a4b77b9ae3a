// A wipe is a time in which whoever meddles with definitions has dropped a pool: every lease of the
// pool may have ended in it without its holder being told.
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
  // Adds a wipe. All must be added before anything is asked.
  void sort();
  // The first one of the pool that was not over at `time`; nullptr if there is none.
  const Span* first_after(int pool, Time time) const;
  // Whether a wipe of the pool overlaps the time between the two.
  bool between(int pool, Time from, Time to) const;
  bool any_between(Time from, Time to) const;

 private:
  std::map<int, std::vector<Span>> by_pool_;  // without those of every pool
  std::vector<Span> of_every_pool_, all_;
};

}  // namespace numpool_test
