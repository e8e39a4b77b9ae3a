// Which of the stuck sessions hold the others up. A *knot* is a set of stuck sessions that wait for
// each other in a circle, and for nobody outside of it who does so too. Only a victim in a knot
// lets anybody go on: whoever is merely behind one would be a victim again and again.
#pragma once

#include "core/wait_graph.h"

namespace numpool {

struct KnotSet {
  std::uint32_t count;
  // By knot: the session in a queue that joined last, or kNone32 where none is in one.
  std::uint32_t* victims;
  // By session, then by pool: the number of its knot, or kNone32.
  std::uint32_t* knots;
};

std::size_t knot_memory(const WaitGraph& graph) noexcept;
// `memory` is of knot_memory(graph) bytes, aligned for any type, and stays the caller's. In time
// linear in the size of the graph.
KnotSet find_knots(const WaitGraph& graph, const StuckSet& stuck, void* memory) noexcept;

enum class WaitsFor : std::uint8_t {
  kTurn,    // `next` is served before it
  kNumber,  // `next` holds holdings[what]
  kLock,    // `next` is blockers[what]
};

// One wait of a circle: `session` waits for the session of the next step; the last for the first's.
struct CircleStep {
  std::uint32_t session;
  WaitsFor waits_for;
  std::uint32_t what;
};

std::size_t circle_memory(const WaitGraph& graph) noexcept;
// A shortest circle through a session of a knot, which comes first; the number of steps. `steps`
// has room for graph.session_count, `memory` is as above.
std::uint32_t find_circle(const WaitGraph& graph, const StuckSet& stuck, const KnotSet& knots,
                          std::uint32_t session, CircleStep* steps, void* memory) noexcept;

}  // namespace numpool
