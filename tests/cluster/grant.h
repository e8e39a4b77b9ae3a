// A lease as its holder saw it, and which node gave it.
#pragma once

#include "torture/edges/belief.h"

namespace numpool_test {

struct Grant {
  Belief belief;
  int node = -1;  // -1: not known
};

}  // namespace numpool_test
