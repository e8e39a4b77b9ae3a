// Graphs of who waits for whom: built by hand or at random, and judged in the plainest terms.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "core/knot.h"
#include "core/wait_graph.h"

namespace numpool_test {

// What a session does, in the terms of a test.
struct PlainSession {
  std::uint64_t serial = 0;
  std::vector<std::uint32_t> blockers;
};
struct PlainWait {
  std::uint32_t session;
  std::uint32_t wanted;
};
struct PlainPool {
  std::uint32_t size = 0;
  std::vector<PlainWait> queue;
  std::vector<std::uint32_t> held;  // by session
};

class PlainGraph {
 public:
  PlainGraph(std::uint32_t sessions, const std::vector<std::uint32_t>& sizes);

  // In a queue at its tail; the later, the larger its serial.
  void join(std::uint32_t session, std::uint32_t pool, std::uint32_t wanted = 1);
  void hold(std::uint32_t session, std::uint32_t pool, std::uint32_t count = 1);
  void block(std::uint32_t sleeper, std::uint32_t blocker);

  bool sleeps(std::uint32_t session) const;
  // Whether each member of the set could wait for ever if all of them did.
  bool holds_together(const std::vector<bool>& set) const;
  // The union of all sets that hold together, by trying each.
  std::vector<bool> stuck_by_trial() const;
  // Who is left when everybody who can goes on, ends, and leaves everything.
  std::vector<bool> stuck_by_play() const;
  // The same after `gone` have been sent away.
  std::vector<bool> stuck_by_play_without(const std::vector<bool>& gone) const;
  // whom[s][t]: stuck s waits for stuck t.
  std::vector<std::vector<bool>> edges(const std::vector<bool>& stuck) const;
  // By session: whether it is in a knot, and with whom: the least session of it.
  std::vector<std::optional<std::uint32_t>> knots_by_closure(const std::vector<bool>& stuck) const;

  std::vector<PlainSession> sessions;
  std::vector<PlainPool> pools;
  std::uint64_t next_serial = 1;
};

PlainGraph random_graph(std::mt19937& random, std::uint32_t most_sessions);

// The code under test over such a graph.
class Solved {
 public:
  explicit Solved(const PlainGraph& plain);

  std::vector<bool> stuck_sessions() const;
  std::vector<numpool::CircleStep> circle(std::uint32_t session);

  numpool::WaitGraph graph{};
  numpool::StuckSet stuck{};
  numpool::KnotSet knots{};

 private:
  void copy(const PlainGraph& plain);
  void* memory(std::size_t bytes);

  std::vector<numpool::GraphSession> sessions_;
  std::vector<numpool::GraphPool> pools_;
  std::vector<numpool::GraphWait> waits_;
  std::vector<numpool::GraphHolding> holdings_;
  std::vector<std::uint32_t> blockers_;
  std::vector<std::vector<std::uint64_t>> memory_;
};

}  // namespace numpool_test
