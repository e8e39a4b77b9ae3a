// How long it took from the death of a session to the next grant of what it held.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "history/history.h"

namespace numpool_test {

// In milliseconds, sorted, by kind of death. A death counts only if the next holder had asked
// before it and so was waiting. When a server dies, all its sessions die, and what counts is the
// first grant of the next server.
std::map<std::string, std::vector<double>> times_to_next_grant(const History& history);

double percentile(const std::vector<double>& sorted, double part);

}  // namespace numpool_test
