// The faults that a check has found: of each kind it keeps the shortest counter-examples.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "history/checker.h"

namespace numpool_test {

std::string text_of(const History& history, const Lease& lease);
std::string text_of(const Queue& queue);

class FaultList {
 public:
  void add(Broken what, const std::string& detail, Time span = 0);
  // Two leases that cannot both be, alone or beside the evidence.
  void add(Broken what, const History& history, const Lease& a, const Lease& b,
           const std::string& evidence = "");
  std::vector<Fault> shortest_first() const;

 private:
  std::map<Broken, std::vector<Fault>> by_kind_;
};

}  // namespace numpool_test
