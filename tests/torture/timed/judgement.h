// What the parts of the judge of the mix `timed` share.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "torture/timed/history.h"

namespace numpool_test {

class Complaints {
 public:
  void add(const std::string& kind, std::initializer_list<const TimedCall*> calls);
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::map<std::string, int> counts_;
  std::vector<std::string> all_;
};

void judge_tokens(const TimedHistory& history, Complaints& complaints);
void judge_turns(const TimedHistory& history, Complaints& complaints);

}  // namespace numpool_test
