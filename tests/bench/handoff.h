// Latencies that are no System's: what is told to a client that listens.
#pragma once

#include <string>
#include <vector>

namespace bench {

// Microseconds from a release to the ticket's notification. The pool has one number.
std::vector<double> ticket_hand_offs(const std::string& pool, int samples);
// From NOTIFY to its arrival.
std::vector<double> notifications(const std::string& synchronous_commit, int samples);

}  // namespace bench
