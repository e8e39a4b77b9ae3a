#include "graph_fixture.h"

#include <algorithm>

using namespace numpool;

namespace numpool_test {

PlainGraph::PlainGraph(std::uint32_t session_count, const std::vector<std::uint32_t>& sizes)
    : sessions(session_count), pools(sizes.size()) {
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    pools[p].size = sizes[p];
    pools[p].held.assign(session_count, 0);
  }
}

void PlainGraph::join(std::uint32_t session, std::uint32_t pool, std::uint32_t wanted) {
  sessions[session].serial = next_serial++;
  pools[pool].queue.push_back({session, wanted});
}

void PlainGraph::hold(std::uint32_t session, std::uint32_t pool, std::uint32_t count) {
  pools[pool].held[session] += count;
}

void PlainGraph::block(std::uint32_t sleeper, std::uint32_t blocker) {
  sessions[sleeper].blockers.push_back(blocker);
}

bool PlainGraph::sleeps(std::uint32_t session) const {
  return sessions[session].serial != 0 || !sessions[session].blockers.empty();
}

bool PlainGraph::holds_together(const std::vector<bool>& set) const {
  for (std::uint32_t s = 0; s < sessions.size(); ++s) {
    if (!set[s] || sessions[s].serial != 0) continue;
    bool blocked = false;
    for (const std::uint32_t blocker : sessions[s].blockers) blocked |= set[blocker];
    if (!blocked) return false;
  }
  for (const PlainPool& pool : pools) {
    std::uint32_t held = 0;
    for (std::uint32_t s = 0; s < sessions.size(); ++s) held += set[s] ? pool.held[s] : 0;
    bool behind = false;
    for (const PlainWait& wait : pool.queue) {
      if (!set[wait.session]) continue;
      if (!behind && pool.size >= held + wait.wanted) return false;
      behind = true;
    }
  }
  return true;
}

std::vector<bool> PlainGraph::stuck_by_trial() const {
  std::vector<std::uint32_t> sleepers;
  for (std::uint32_t s = 0; s < sessions.size(); ++s)
    if (sleeps(s)) sleepers.push_back(s);
  std::vector<bool> all(sessions.size(), false);
  for (std::uint32_t choice = 1; choice < 1u << sleepers.size(); ++choice) {
    std::vector<bool> set(sessions.size(), false);
    for (std::size_t i = 0; i < sleepers.size(); ++i) set[sleepers[i]] = (choice >> i & 1) != 0;
    if (!holds_together(set)) continue;
    for (std::size_t s = 0; s < set.size(); ++s) all[s] = all[s] || set[s];
  }
  return all;
}

std::vector<bool> PlainGraph::stuck_by_play() const {
  return stuck_by_play_without(std::vector<bool>(sessions.size(), false));
}

std::vector<bool> PlainGraph::stuck_by_play_without(const std::vector<bool>& gone) const {
  std::vector<PlainPool> state = pools;
  std::vector<bool> ended = gone;
  for (bool moved = true; moved;) {
    moved = false;
    for (PlainPool& pool : state) {
      // Who has ended holds nothing and stands in no queue.
      std::uint32_t held = 0;
      for (std::uint32_t s = 0; s < sessions.size(); ++s) held += ended[s] ? 0 : pool.held[s];
      while (!pool.queue.empty()) {
        const PlainWait head = pool.queue.front();
        if (!ended[head.session] && pool.size < held + head.wanted) break;
        if (!ended[head.session]) held -= pool.held[head.session];
        ended[head.session] = moved = true;
        pool.queue.erase(pool.queue.begin());
      }
    }
    for (std::uint32_t s = 0; s < sessions.size(); ++s) {
      if (ended[s] || sessions[s].serial != 0) continue;
      const auto& blockers = sessions[s].blockers;
      if (!std::all_of(blockers.begin(), blockers.end(), [&](std::uint32_t b) { return ended[b]; }))
        continue;
      ended[s] = moved = true;
    }
  }
  std::vector<bool> stuck(sessions.size());
  for (std::size_t s = 0; s < stuck.size(); ++s) stuck[s] = !ended[s];
  return stuck;
}

std::vector<std::vector<bool>> PlainGraph::edges(const std::vector<bool>& stuck) const {
  const std::size_t count = sessions.size();
  std::vector<std::vector<bool>> whom(count, std::vector<bool>(count, false));
  for (std::uint32_t s = 0; s < count; ++s) {
    if (!stuck[s] || sessions[s].serial != 0) continue;
    for (const std::uint32_t blocker : sessions[s].blockers)
      if (stuck[blocker]) whom[s][blocker] = true;
  }
  for (const PlainPool& pool : pools) {
    std::uint32_t held = 0;
    for (std::uint32_t s = 0; s < count; ++s) held += stuck[s] ? pool.held[s] : 0;
    std::optional<std::uint32_t> before;
    for (const PlainWait& wait : pool.queue) {
      if (!stuck[wait.session]) continue;
      if (before) whom[wait.session][*before] = true;
      before = wait.session;
      if (pool.size >= held + wait.wanted) continue;
      for (std::uint32_t s = 0; s < count; ++s)
        if (stuck[s] && pool.held[s] != 0) whom[wait.session][s] = true;
    }
  }
  return whom;
}

std::vector<std::optional<std::uint32_t>> PlainGraph::knots_by_closure(
    const std::vector<bool>& stuck) const {
  const std::size_t count = sessions.size();
  std::vector<std::vector<bool>> reach = edges(stuck);
  for (std::size_t via = 0; via < count; ++via)
    for (std::size_t s = 0; s < count; ++s)
      for (std::size_t t = 0; t < count && reach[s][via]; ++t)
        if (reach[via][t]) reach[s][t] = true;

  std::vector<std::optional<std::uint32_t>> knot(count);
  for (std::uint32_t s = 0; s < count; ++s) {
    if (!reach[s][s]) continue;
    bool leads_on = false;
    std::uint32_t least = s;
    for (std::uint32_t t = 0; t < count; ++t) {
      if (reach[s][t] && reach[t][s]) least = std::min(least, t);
      if (reach[s][t] && reach[t][t] && !reach[t][s]) leads_on = true;
    }
    if (!leads_on) knot[s] = least;
  }
  return knot;
}

PlainGraph random_graph(std::mt19937& random, std::uint32_t most_sessions) {
  const auto below = [&random](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  const std::uint32_t count = 2 + below(most_sessions - 1);
  std::vector<std::uint32_t> sizes(1 + below(4));
  for (std::uint32_t& size : sizes) size = 1 + below(below(2) == 0 ? 2 : 10);
  PlainGraph graph(count, sizes);
  std::vector<std::uint32_t> order(count);
  for (std::uint32_t s = 0; s < count; ++s) order[s] = s;
  std::shuffle(order.begin(), order.end(), random);

  const std::uint32_t lock_share = below(100);
  const std::uint32_t runs_share = below(30);
  for (const std::uint32_t s : order) {
    if (below(100) < runs_share) continue;
    if (below(100) < lock_share) {
      for (std::uint32_t blockers = 1 + below(3); blockers > 0; --blockers) {
        const std::uint32_t blocker = below(count);
        if (blocker != s) graph.block(s, blocker);
      }
    } else {
      const std::uint32_t pool = below(static_cast<std::uint32_t>(sizes.size()));
      graph.join(s, pool, below(2) == 0 ? 1 : 1 + below(std::min(sizes[pool], 8u)));
    }
  }
  for (std::uint32_t p = 0; p < sizes.size(); ++p) {
    const std::uint32_t spare = below(4) == 0 ? below(3) : 0;
    for (std::uint32_t i = spare; i < sizes[p]; ++i) graph.hold(below(count), p);
  }
  return graph;
}

Solved::Solved(const PlainGraph& plain) {
  copy(plain);
  stuck = find_stuck(graph, memory(stuck_memory(graph)));
  knots = find_knots(graph, stuck, memory(knot_memory(graph)));
}

// Of exactly that size, so that the sanitizer sees one step beyond, and full of garbage.
void* Solved::memory(std::size_t bytes) {
  memory_.emplace_back((bytes + 7) / 8, 0xa5a5a5a5a5a5a5a5u);
  return memory_.back().data();
}

void Solved::copy(const PlainGraph& plain) {
  for (const PlainSession& session : plain.sessions) {
    sessions_.push_back({session.serial, kNone32, static_cast<std::uint32_t>(blockers_.size()),
                         static_cast<std::uint32_t>(session.blockers.size())});
    blockers_.insert(blockers_.end(), session.blockers.begin(), session.blockers.end());
  }
  for (std::uint32_t p = 0; p < plain.pools.size(); ++p) {
    const PlainPool& pool = plain.pools[p];
    GraphPool made = {pool.size, static_cast<std::uint32_t>(waits_.size()), 0,
                      static_cast<std::uint32_t>(holdings_.size()), 0};
    for (const PlainWait& wait : pool.queue) {
      sessions_[wait.session].wait = static_cast<std::uint32_t>(waits_.size());
      waits_.push_back({wait.session, p, wait.wanted});
      ++made.wait_count;
    }
    for (std::uint32_t s = 0; s < pool.held.size(); ++s) {
      if (pool.held[s] == 0) continue;
      holdings_.push_back({s, p, pool.held[s], 0});
      ++made.holding_count;
    }
    pools_.push_back(made);
  }
  graph = {sessions_.data(),
           pools_.data(),
           waits_.data(),
           holdings_.data(),
           blockers_.data(),
           static_cast<std::uint32_t>(sessions_.size()),
           static_cast<std::uint32_t>(pools_.size()),
           static_cast<std::uint32_t>(waits_.size()),
           static_cast<std::uint32_t>(holdings_.size()),
           static_cast<std::uint32_t>(blockers_.size())};
}

std::vector<bool> Solved::stuck_sessions() const {
  return std::vector<bool>(stuck.stuck, stuck.stuck + graph.session_count);
}

std::vector<CircleStep> Solved::circle(std::uint32_t session) {
  std::vector<CircleStep> steps(graph.session_count);
  steps.resize(
      find_circle(graph, stuck, knots, session, steps.data(), memory(circle_memory(graph))));
  return steps;
}

}  // namespace numpool_test
