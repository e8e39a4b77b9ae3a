// A deadlock in words: the circle for the victim's client, all of the knot for the server's log.
#pragma once

#include "backend/deadlock_copy.h"
#include "core/knot.h"

namespace numpool {

// What lies in the arena for a victim, who frees it.
struct DeadlockReport {
  std::uint32_t length;  // bytes of text
  char text[1];
};
// The longest that the heap has room for in one object.
constexpr std::size_t kMostReportText = SlabHeap::kMaxObject - offsetof(DeadlockReport, text);

// The circle, a line a wait; with names of pools of that database only, and cut at the end of a
// line to kMostReportText bytes.
StringInfoData describe_circle(const DeadlockCopy& copy, const CircleStep* steps,
                               std::uint32_t count, Oid database);

// One entry in the server's log, with who else is in the knot, and the statement of each.
void log_deadlock(const DeadlockCopy& copy, const StuckSet& stuck, const KnotSet& knots,
                  const CircleStep* steps, std::uint32_t count);

}  // namespace numpool
