// One fault in a cluster that is in use.
#pragma once

#include <string>
#include <vector>

#include "cluster/faults.h"
#include "cluster/judge.h"

namespace numpool_test {

const std::vector<Group>& all_groups();

// Makes the pools of all groups.
void make_pools(const Cluster& cluster);

struct GroupReading {
  const Group* group;
  Reading reading;
};

struct Report {
  std::vector<GroupReading> groups;
  int before = -1, after = -1;
  int resets = 0;  // of nodes by their watchdogs
  std::vector<std::string> violations;
};

// The cluster must be whole. What was undone may be under way when it returns.
Report try_fault(Cluster& cluster, const Fault& fault, const std::string& folder);

}  // namespace numpool_test
