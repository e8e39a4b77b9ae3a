#include "core/wait_graph.h"

namespace numpool {

namespace {

// Edges turned round: those that end at a session follow each other.
struct Reversed {
  std::uint32_t* first;  // by session, and one more
  std::uint32_t* from;
};

struct Work {
  StuckSet set;
  Reversed holdings;              // `from`: holdings of the session
  Reversed blocked;               // `from`: sessions that sleep for what the session has
  std::uint32_t* stuck_blockers;  // by session: how many, each as often as it blocks
  std::uint32_t* freed;           // sessions that turned out not to be stuck, to be gone through
  std::uint32_t freed_count;
};

template <typename Carving>
Work lay_out(const WaitGraph& graph, Carving& carver) noexcept {
  Work work = {};
  const std::size_t sessions = graph.session_count;
  work.set.first_wait = carver.template take<std::uint32_t>(graph.pool_count);
  work.set.held = carver.template take<std::uint32_t>(graph.pool_count);
  work.holdings.first = carver.template take<std::uint32_t>(sessions + 1);
  work.holdings.from = carver.template take<std::uint32_t>(graph.holding_count);
  work.blocked.first = carver.template take<std::uint32_t>(sessions + 1);
  work.blocked.from = carver.template take<std::uint32_t>(graph.blocker_count);
  work.stuck_blockers = carver.template take<std::uint32_t>(sessions);
  work.freed = carver.template take<std::uint32_t>(sessions);
  work.set.stuck = carver.template take<bool>(sessions);
  return work;
}

// From counts, at first[session + 1], to places; `from` is then filled from each place on by add().
void counts_to_places(Reversed& reversed, std::uint32_t sessions) noexcept {
  for (std::uint32_t s = 0; s < sessions; ++s) reversed.first[s + 1] += reversed.first[s];
}
void add(Reversed& reversed, std::uint32_t session, std::uint32_t from) noexcept {
  reversed.from[reversed.first[session]++] = from;
}
// After the last add() each place is where the next one began.
void places_back(Reversed& reversed, std::uint32_t sessions) noexcept {
  for (std::uint32_t s = sessions; s > 0; --s) reversed.first[s] = reversed.first[s - 1];
  reversed.first[0] = 0;
}

void reverse_edges(const WaitGraph& graph, Work& work) noexcept {
  const std::uint32_t sessions = graph.session_count;
  for (std::uint32_t s = 0; s <= sessions; ++s) work.holdings.first[s] = work.blocked.first[s] = 0;
  for (std::uint32_t i = 0; i < graph.holding_count; ++i)
    ++work.holdings.first[graph.holdings[i].session + 1];
  for (std::uint32_t i = 0; i < graph.blocker_count; ++i)
    ++work.blocked.first[graph.blockers[i] + 1];
  counts_to_places(work.holdings, sessions);
  counts_to_places(work.blocked, sessions);
  for (std::uint32_t i = 0; i < graph.holding_count; ++i)
    add(work.holdings, graph.holdings[i].session, i);
  for (std::uint32_t s = 0; s < sessions; ++s) {
    const GraphSession& session = graph.sessions[s];
    for (std::uint32_t i = 0; i < session.blocker_count; ++i)
      add(work.blocked, graph.blockers[session.first_blocker + i], s);
  }
  places_back(work.holdings, sessions);
  places_back(work.blocked, sessions);
}

void set_free(Work& work, std::uint32_t session) noexcept {
  if (!work.set.stuck[session]) return;
  work.set.stuck[session] = false;
  --work.set.count;
  work.freed[work.freed_count++] = session;
}

// Only the first of a queue needs a look: the others are behind it.
void look_at_queue(const WaitGraph& graph, Work& work, std::uint32_t pool) noexcept {
  std::uint32_t& first = work.set.first_wait[pool];
  const std::uint32_t end = graph.pools[pool].first_wait + graph.pools[pool].wait_count;
  while (first != end && !work.set.lacks_numbers(graph, graph.waits[first]))
    set_free(work, graph.waits[first++].session);
}

void let_go(const WaitGraph& graph, Work& work, std::uint32_t session) noexcept {
  for (std::uint32_t i = work.holdings.first[session]; i < work.holdings.first[session + 1]; ++i) {
    const GraphHolding& holding = graph.holdings[work.holdings.from[i]];
    work.set.held[holding.pool] -= holding.count;
    look_at_queue(graph, work, holding.pool);
  }
  for (std::uint32_t i = work.blocked.first[session]; i < work.blocked.first[session + 1]; ++i) {
    const std::uint32_t sleeper = work.blocked.from[i];
    if (--work.stuck_blockers[sleeper] == 0) set_free(work, sleeper);
  }
}

}  // namespace

std::size_t stuck_memory(const WaitGraph& graph) noexcept {
  CarverMeasure measure;
  lay_out(graph, measure);
  return measure.used();
}

StuckSet find_stuck(const WaitGraph& graph, void* memory) noexcept {
  Carver carver(memory);
  Work work = lay_out(graph, carver);
  reverse_edges(graph, work);

  // All are taken for stuck at first, and then those are let go that run.
  work.set.count = graph.session_count;
  for (std::uint32_t s = 0; s < graph.session_count; ++s) {
    work.set.stuck[s] = true;
    work.stuck_blockers[s] = graph.sessions[s].blocker_count;
  }
  for (std::uint32_t p = 0; p < graph.pool_count; ++p) {
    work.set.first_wait[p] = graph.pools[p].first_wait;
    work.set.held[p] = 0;
  }
  for (std::uint32_t i = 0; i < graph.holding_count; ++i)
    work.set.held[graph.holdings[i].pool] += graph.holdings[i].count;
  for (std::uint32_t p = 0; p < graph.pool_count; ++p) look_at_queue(graph, work, p);
  for (std::uint32_t s = 0; s < graph.session_count; ++s)
    if (graph.sessions[s].wait == kNone32 && graph.sessions[s].blocker_count == 0)
      set_free(work, s);

  while (work.freed_count != 0) let_go(graph, work, work.freed[--work.freed_count]);
  return work.set;
}

}  // namespace numpool
