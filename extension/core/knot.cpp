#include "core/knot.h"

namespace numpool {

namespace {

// The nodes are the sessions and then the pools: who lacks numbers waits for the pool, and the pool
// for all who hold some of it, so that there are no more edges than waits, holdings and blockers.
std::uint32_t node_count(const WaitGraph& graph) noexcept {
  return graph.session_count + graph.pool_count;
}
std::uint32_t pool_node(const WaitGraph& graph, std::uint32_t pool) noexcept {
  return graph.session_count + pool;
}

// The edges of stuck nodes, one after the other.
class Edges {
 public:
  Edges(const WaitGraph& graph, const StuckSet& stuck) noexcept : graph_(graph), stuck_(stuck) {}

  // Where the edge after the `cursor`-th leads, and which it was; kNone32 after the last.
  std::uint32_t next(std::uint32_t node, std::uint32_t& cursor) const noexcept {
    if (node >= graph_.session_count) return next_holder(node - graph_.session_count, cursor);
    const GraphSession& session = graph_.sessions[node];
    if (session.wait != kNone32) return next_cause(session.wait, cursor);
    while (cursor < session.blocker_count) {
      const std::uint32_t blocker = graph_.blockers[session.first_blocker + cursor++];
      if (stuck_.stuck[blocker]) return blocker;
    }
    return kNone32;
  }

 private:
  std::uint32_t next_cause(std::uint32_t at, std::uint32_t& cursor) const noexcept {
    const GraphWait& wait = graph_.waits[at];
    if (cursor == 0) {
      cursor = 1;
      if (at != stuck_.first_wait[wait.pool]) return graph_.waits[at - 1].session;
    }
    if (cursor == 1) {
      cursor = 2;
      if (stuck_.lacks_numbers(graph_, wait)) return pool_node(graph_, wait.pool);
    }
    return kNone32;
  }

  std::uint32_t next_holder(std::uint32_t pool, std::uint32_t& cursor) const noexcept {
    while (cursor < graph_.pools[pool].holding_count) {
      const GraphHolding& holding = graph_.holdings[graph_.pools[pool].first_holding + cursor++];
      if (stuck_.stuck[holding.session]) return holding.session;
    }
    return kNone32;
  }

  const WaitGraph& graph_;
  const StuckSet& stuck_;
};

// Tarjan's algorithm with a stack of its own: the nodes are gone through depth first, and a
// component is whole when its first node is left. Components are numbered so that edges between
// them lead to smaller numbers.
struct Components {
  std::uint32_t* of;     // by node; kNone32: not seen yet, or not whole yet
  std::uint32_t* order;  // nodes, component by component
  std::uint32_t count;
  std::uint32_t* reached;  // by node: when it was reached first, from 1; 0: not yet
  std::uint32_t* lowest;   // by node: the earliest reached that it leads back to
  std::uint32_t* cursor;   // by node: the edges already followed
  std::uint32_t* path;     // nodes whose edges are being followed
  std::uint32_t* open;     // nodes of components that are not whole
  bool* circular;          // by component: it has a circle
  bool* leads_on;          // by component: to another that has one
};

template <typename Carving>
void lay_out(const WaitGraph& graph, Carving& carver, KnotSet& knots, Components& parts) noexcept {
  const std::size_t nodes = node_count(graph);
  knots.victims = carver.template take<std::uint32_t>(nodes);
  knots.knots = carver.template take<std::uint32_t>(nodes);
  parts.of = carver.template take<std::uint32_t>(nodes);
  parts.order = carver.template take<std::uint32_t>(nodes);
  parts.reached = carver.template take<std::uint32_t>(nodes);
  parts.lowest = carver.template take<std::uint32_t>(nodes);
  parts.cursor = carver.template take<std::uint32_t>(nodes);
  parts.path = carver.template take<std::uint32_t>(nodes);
  parts.open = carver.template take<std::uint32_t>(nodes);
  parts.circular = carver.template take<bool>(nodes);
  parts.leads_on = carver.template take<bool>(nodes);
}

struct Walk {
  std::uint32_t clock;
  std::uint32_t path_length;
  std::uint32_t open_count;
  std::uint32_t ordered;
};

void enter(Components& parts, Walk& walk, std::uint32_t node) noexcept {
  parts.reached[node] = parts.lowest[node] = ++walk.clock;
  parts.cursor[node] = 0;
  parts.path[walk.path_length++] = node;
  parts.open[walk.open_count++] = node;
}

void close_component(Components& parts, Walk& walk, std::uint32_t root) noexcept {
  const std::uint32_t begin = walk.ordered;
  std::uint32_t node;
  do {
    node = parts.open[--walk.open_count];
    parts.of[node] = parts.count;
    parts.order[walk.ordered++] = node;
  } while (node != root);
  parts.circular[parts.count] = walk.ordered - begin > 1;
  parts.leads_on[parts.count] = false;
  ++parts.count;
}

void walk_from(const Edges& edges, Components& parts, Walk& walk, std::uint32_t start) noexcept {
  enter(parts, walk, start);
  while (walk.path_length != 0) {
    const std::uint32_t node = parts.path[walk.path_length - 1];
    const std::uint32_t target = edges.next(node, parts.cursor[node]);
    if (target == kNone32) {
      if (parts.lowest[node] == parts.reached[node]) close_component(parts, walk, node);
      if (--walk.path_length == 0) continue;
      const std::uint32_t before = parts.path[walk.path_length - 1];
      if (parts.lowest[node] < parts.lowest[before]) parts.lowest[before] = parts.lowest[node];
    } else if (parts.reached[target] == 0) {
      enter(parts, walk, target);
    } else if (parts.of[target] == kNone32 && parts.reached[target] < parts.lowest[node]) {
      parts.lowest[node] = parts.reached[target];
    }
  }
}

void find_components(const WaitGraph& graph, const StuckSet& stuck, Components& parts) noexcept {
  const Edges edges(graph, stuck);
  Walk walk = {};
  parts.count = 0;
  for (std::uint32_t node = 0; node < node_count(graph); ++node) {
    parts.of[node] = kNone32;
    parts.reached[node] = 0;
  }
  for (std::uint32_t s = 0; s < graph.session_count; ++s)
    if (stuck.stuck[s] && parts.reached[s] == 0) walk_from(edges, parts, walk, s);

  // Whatever a component leads to comes before it.
  for (std::uint32_t i = 0; i < walk.ordered; ++i) {
    const std::uint32_t node = parts.order[i];
    std::uint32_t cursor = 0;
    for (std::uint32_t target = edges.next(node, cursor); target != kNone32;
         target = edges.next(node, cursor)) {
      const std::uint32_t other = parts.of[target];
      if (other != parts.of[node] && (parts.circular[other] || parts.leads_on[other]))
        parts.leads_on[parts.of[node]] = true;
    }
  }
}

void name_victim(const WaitGraph& graph, KnotSet& knots, std::uint32_t session) noexcept {
  std::uint32_t& victim = knots.victims[knots.knots[session]];
  if (graph.sessions[session].wait == kNone32) return;
  if (victim == kNone32 || graph.sessions[session].serial > graph.sessions[victim].serial)
    victim = session;
}

CircleStep describe(const WaitGraph& graph, std::uint32_t session, std::uint32_t via,
                    std::uint32_t next) noexcept {
  if (via != kNone32) {
    const GraphPool& pool = graph.pools[via - graph.session_count];
    std::uint32_t holding = pool.first_holding;
    while (graph.holdings[holding].session != next) ++holding;
    return {session, WaitsFor::kNumber, holding};
  }
  if (graph.sessions[session].wait != kNone32) return {session, WaitsFor::kTurn, 0};
  std::uint32_t blocker = graph.sessions[session].first_blocker;
  while (graph.blockers[blocker] != next) ++blocker;
  return {session, WaitsFor::kLock, blocker};
}

// What a search for a circle, breadth first, keeps.
struct Search {
  std::uint32_t* from;   // by node: where it was reached from; kNone32: not yet
  std::uint32_t* queue;  // nodes reached
};

template <typename Carving>
Search lay_out_search(const WaitGraph& graph, Carving& carver) noexcept {
  Search search = {};
  search.from = carver.template take<std::uint32_t>(node_count(graph));
  search.queue = carver.template take<std::uint32_t>(node_count(graph));
  return search;
}

// The node from which an edge leads back to `start`, within its knot.
std::uint32_t last_before(const WaitGraph& graph, const StuckSet& stuck, const KnotSet& knots,
                          std::uint32_t start, Search& search) noexcept {
  const Edges edges(graph, stuck);
  for (std::uint32_t node = 0; node < node_count(graph); ++node) search.from[node] = kNone32;
  search.queue[0] = start;
  for (std::uint32_t done = 0, found = 1; done < found; ++done) {
    const std::uint32_t node = search.queue[done];
    std::uint32_t cursor = 0;
    for (std::uint32_t target = edges.next(node, cursor); target != kNone32;
         target = edges.next(node, cursor)) {
      if (target == start) return node;
      if (knots.knots[target] != knots.knots[start] || search.from[target] != kNone32) continue;
      search.from[target] = node;
      search.queue[found++] = target;
    }
  }
  return kNone32;
}

}  // namespace

std::size_t knot_memory(const WaitGraph& graph) noexcept {
  CarverMeasure measure;
  KnotSet knots = {};
  Components parts = {};
  lay_out(graph, measure, knots, parts);
  return measure.used();
}

KnotSet find_knots(const WaitGraph& graph, const StuckSet& stuck, void* memory) noexcept {
  Carver carver(memory);
  KnotSet knots = {};
  Components parts = {};
  lay_out(graph, carver, knots, parts);
  find_components(graph, stuck, parts);

  // By component, the number of its knot: in what the walk no longer needs.
  std::uint32_t* knot_of = parts.path;
  for (std::uint32_t i = 0; i < parts.count; ++i) {
    const bool is_knot = parts.circular[i] && !parts.leads_on[i];
    knot_of[i] = is_knot ? knots.count : kNone32;
    if (is_knot) knots.victims[knots.count++] = kNone32;
  }
  for (std::uint32_t node = 0; node < node_count(graph); ++node) {
    knots.knots[node] = parts.of[node] == kNone32 ? kNone32 : knot_of[parts.of[node]];
    if (node < graph.session_count && knots.knots[node] != kNone32) name_victim(graph, knots, node);
  }
  return knots;
}

std::size_t circle_memory(const WaitGraph& graph) noexcept {
  CarverMeasure measure;
  lay_out_search(graph, measure);
  return measure.used();
}

std::uint32_t find_circle(const WaitGraph& graph, const StuckSet& stuck, const KnotSet& knots,
                          std::uint32_t session, CircleStep* steps, void* memory) noexcept {
  Carver carver(memory);
  Search search = lay_out_search(graph, carver);
  std::uint32_t node = last_before(graph, stuck, knots, session, search);
  if (node == kNone32) return 0;

  // Backwards from the last; then turned round.
  std::uint32_t count = 0;
  std::uint32_t next = session;
  for (;;) {
    std::uint32_t via = kNone32;
    if (node >= graph.session_count) {
      via = node;
      node = search.from[node];
    }
    steps[count++] = describe(graph, node, via, next);
    if (node == session) break;
    next = node;
    node = search.from[node];
  }
  for (std::uint32_t i = 0; i < count / 2; ++i) {
    const CircleStep step = steps[i];
    steps[i] = steps[count - 1 - i];
    steps[count - 1 - i] = step;
  }
  return count;
}

}  // namespace numpool
