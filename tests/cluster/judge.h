// What the grants of one group show about one fault.
#pragma once

#include <string>
#include <vector>

#include "cluster/grant.h"

namespace numpool_test {

struct Circumstances {
  Time fault = 0;
  Time until = 0;               // from when on no holder begins anything
  int before = -1, after = -1;  // the primary's node
  std::vector<Stall> stalls;
  double may_believe = 0;  // seconds that two may believe at the same time
};

struct Reading {
  double two_believed = 0;  // the longest, in seconds
  int overlaps = 0;         // how many believed what was another's
  int told_lost = 0;
  double longest_without = 0;  // seconds without a new grant, from the fault on
  double again = -1;  // seconds from the fault to the first larger fence; -1: none was given
  std::vector<std::string> violations;
};

// By the belief judge: a fence is believed once, fences grow with time, and two believe for at most
// as long as they may. And of the node that was the primary nobody, ever, has a fence as large as
// any of the next one.
Reading judge_grants(const std::vector<Grant>& grants, const Circumstances& what);

}  // namespace numpool_test
