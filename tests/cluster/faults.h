// What happens to a cluster, and what it may do to those who lease there.
#pragma once

#include <string>
#include <vector>

#include "cluster/cluster.h"
#include "cluster/holder.h"

namespace numpool_test {

// How sessions of the former primary end.
enum class Ending {
  kTold,    // they are closed at once
  kSilent,  // nobody answers them any more
  kSplit,   // not at all: the former primary goes on
};

struct Fault {
  const char* name;
  const char* text;
  void (*inject)(Cluster&, int primary);
  void (*undo)(Cluster&, int primary);
  int undo_after;  // seconds
  int length;      // of the trial, from the fault on
  Ending ending;
  bool moves;  // another node is the primary afterwards
  int again;   // seconds until leases are had again, at most
};

const std::vector<Fault>& all_faults();

// How long two may believe at the same time, in seconds.
double may_believe(const Fault& fault, const Plan& plan, const Group& group);

// How long nobody may get a lease, in seconds.
double may_be_without(const Fault& fault, const Plan& plan);

}  // namespace numpool_test
