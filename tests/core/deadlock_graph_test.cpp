// Who is stuck, which of them are in a knot, and by what circle: cases by hand, and random graphs
// against definitions in the plainest terms.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "graph_fixture.h"

using namespace numpool;
using namespace numpool_test;

using Set = std::vector<bool>;

namespace {

std::vector<std::uint32_t> victims(const Solved& solved) {
  std::vector<std::uint32_t> all(solved.knots.victims, solved.knots.victims + solved.knots.count);
  std::sort(all.begin(), all.end());
  return all;
}

// The session for which a step of a circle waits, if the graph bears the step out.
std::uint32_t waited_for(const Solved& solved, const CircleStep& step) {
  const GraphSession& session = solved.graph.sessions[step.session];
  switch (step.waits_for) {
    case WaitsFor::kTurn:
      return solved.graph.waits[session.wait - 1].session;
    case WaitsFor::kNumber: {
      const GraphHolding& holding = solved.graph.holdings[step.what];
      REQUIRE(holding.pool == solved.graph.waits[session.wait].pool);
      REQUIRE(solved.stuck.lacks_numbers(solved.graph, solved.graph.waits[session.wait]));
      return holding.session;
    }
    case WaitsFor::kLock:
      REQUIRE(step.what >= session.first_blocker);
      REQUIRE(step.what < session.first_blocker + session.blocker_count);
      return solved.graph.blockers[step.what];
  }
  return kNone32;
}

void check_circle(const PlainGraph& plain, Solved& solved, std::uint32_t session) {
  const std::vector<CircleStep> circle = solved.circle(session);
  REQUIRE(!circle.empty());
  REQUIRE(circle[0].session == session);
  Set seen(plain.sessions.size());
  for (std::size_t i = 0; i < circle.size(); ++i) {
    const std::uint32_t next = circle[(i + 1) % circle.size()].session;
    REQUIRE(waited_for(solved, circle[i]) == next);
    REQUIRE_FALSE(seen[circle[i].session]);
    seen[circle[i].session] = true;
    REQUIRE(solved.knots.knots[next] == solved.knots.knots[session]);
  }
}

void check_knots(const PlainGraph& plain, Solved& solved, const Set& stuck) {
  const auto knots = plain.knots_by_closure(stuck);
  const std::uint32_t count = static_cast<std::uint32_t>(plain.sessions.size());
  for (std::uint32_t s = 0; s < count; ++s) {
    REQUIRE((solved.knots.knots[s] != kNone32) == knots[s].has_value());
    if (!knots[s]) continue;
    REQUIRE(solved.knots.knots[s] == solved.knots.knots[*knots[s]]);
    const std::uint32_t victim = solved.knots.victims[solved.knots.knots[s]];
    if (plain.sessions[s].serial == 0) continue;
    REQUIRE(victim != kNone32);
    REQUIRE(plain.sessions[victim].serial >= plain.sessions[s].serial);
    REQUIRE(knots[victim] == knots[s]);
  }
}

// Sends victims away until nobody is stuck for want of one; how many.
std::uint32_t send_away_until_free(PlainGraph plain) {
  Set gone(plain.sessions.size(), false);
  for (std::uint32_t sent = 0;; ++sent) {
    Solved solved(plain);
    bool none = true;
    for (std::uint32_t k = 0; k < solved.knots.count; ++k) {
      const std::uint32_t victim = solved.knots.victims[k];
      if (victim == kNone32) continue;
      none = false;
      plain.sessions[victim] = {};
      for (PlainPool& pool : plain.pools) {
        pool.held[victim] = 0;
        pool.queue.erase(std::remove_if(pool.queue.begin(), pool.queue.end(),
                                        [&](const PlainWait& w) { return w.session == victim; }),
                         pool.queue.end());
      }
    }
    if (!none) continue;
    // Who is stuck now is so behind circles of locks alone, which are PostgreSQL's.
    if (solved.knots.count == 0) CHECK(solved.stuck.count == 0);
    return sent;
  }
}

}  // namespace

TEST_CASE("deadlock: two pools crosswise") {
  PlainGraph plain(2, {1, 1});
  plain.hold(0, 0);
  plain.hold(1, 1);
  plain.join(0, 1);
  plain.join(1, 0);
  Solved solved(plain);
  CHECK(solved.stuck_sessions() == Set{true, true});
  CHECK(victims(solved) == std::vector<std::uint32_t>{1});
  const std::vector<CircleStep> circle = solved.circle(1);
  REQUIRE(circle.size() == 2);
  CHECK(circle[0].waits_for == WaitsFor::kNumber);
  CHECK(solved.graph.holdings[circle[0].what].session == 0);
}

TEST_CASE("deadlock: a number that somebody else may give back is a way out") {
  PlainGraph plain(3, {2, 1});
  plain.hold(0, 0);
  plain.hold(2, 0);  // runs
  plain.hold(1, 1);
  plain.join(0, 1);
  plain.join(1, 0);
  Solved solved(plain);
  CHECK(solved.stuck.count == 0);
  CHECK(solved.knots.count == 0);
}

TEST_CASE("deadlock: a lock that a waiter blocks, and a number") {
  PlainGraph plain(3, {1});
  plain.hold(0, 0);
  plain.block(0, 2);  // runs
  plain.block(0, 1);
  plain.join(1, 0);
  Solved solved(plain);
  CHECK(solved.stuck_sessions() == Set{true, true, false});
  CHECK(victims(solved) == std::vector<std::uint32_t>{1});
  CHECK(solved.circle(1).size() == 2);
  CHECK(solved.circle(1)[1].waits_for == WaitsFor::kLock);
}

TEST_CASE("deadlock: who waits for all behind one who wants more than there is") {
  // 0 wants both numbers, of which the sleeper 1 holds one; 1 wants one, and one is free, but not
  // its turn.
  PlainGraph plain(2, {2});
  plain.hold(1, 0);
  plain.join(0, 0, 2);
  plain.join(1, 0, 1);
  Solved solved(plain);
  CHECK(solved.stuck_sessions() == Set{true, true});
  CHECK(victims(solved) == std::vector<std::uint32_t>{1});
  CHECK(solved.circle(1)[0].waits_for == WaitsFor::kTurn);
}

TEST_CASE("deadlock: bystanders are stuck and never victims") {
  PlainGraph plain(5, {1, 1, 1});
  plain.hold(0, 0);
  plain.hold(1, 1);
  plain.hold(4, 2);
  plain.join(0, 1);
  plain.join(1, 0);
  plain.join(2, 0);  // newcomers
  plain.join(3, 2);
  plain.join(4, 1);
  Solved solved(plain);
  CHECK(solved.stuck.count == 5);
  CHECK(victims(solved) == std::vector<std::uint32_t>{1});
}

TEST_CASE("deadlock: a session that waits for itself") {
  PlainGraph plain(1, {2});
  plain.hold(0, 0, 2);
  plain.join(0, 0);
  Solved solved(plain);
  CHECK(victims(solved) == std::vector<std::uint32_t>{0});
  CHECK(solved.circle(0).size() == 1);
}

TEST_CASE("deadlock: a circle of locks alone has no victim of ours") {
  PlainGraph plain(3, {1});
  plain.block(0, 1);
  plain.block(1, 0);
  plain.hold(0, 0);
  plain.join(2, 0);
  Solved solved(plain);
  CHECK(solved.stuck.count == 3);
  CHECK(victims(solved) == std::vector<std::uint32_t>{kNone32});
}

TEST_CASE("deadlock: who wants more than a pool has is stuck without a knot") {
  PlainGraph plain(2, {3});
  plain.join(0, 0, 5);
  plain.join(1, 0);
  Solved solved(plain);
  CHECK(solved.stuck.count == 2);
  CHECK(solved.knots.count == 0);
}

TEST_CASE("deadlock: an empty graph") {
  Solved solved(PlainGraph(0, {}));
  CHECK(solved.stuck.count == 0);
  CHECK(solved.knots.count == 0);
}

TEST_CASE("deadlock: 200,000 random graphs by every set of sleepers, with knots and circles") {
  std::mt19937 random(20261127);
  std::uint32_t with_stuck = 0, with_knot = 0, with_bystander = 0;
  for (int round = 0; round < 200000; ++round) {
    CAPTURE(round);
    const PlainGraph plain = random_graph(random, 7);
    Solved solved(plain);
    const Set stuck = plain.stuck_by_trial();
    REQUIRE(solved.stuck_sessions() == stuck);
    check_knots(plain, solved, stuck);
    for (std::uint32_t k = 0; k < solved.knots.count; ++k)
      if (solved.knots.victims[k] != kNone32) check_circle(plain, solved, solved.knots.victims[k]);
    with_stuck += solved.stuck.count != 0 ? 1 : 0;
    with_knot += solved.knots.count != 0 ? 1 : 0;
    for (std::uint32_t s = 0; s < plain.sessions.size(); ++s)
      if (stuck[s] && solved.knots.knots[s] == kNone32) {
        ++with_bystander;
        break;
      }
  }
  // Graphs of every kind were among them.
  CHECK(with_stuck > 20000);
  CHECK(with_stuck < 180000);
  CHECK(with_knot > 20000);
  CHECK(with_bystander > 10000);
}

TEST_CASE("deadlock: larger random graphs by letting everybody go on who can") {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    CAPTURE(round);
    const PlainGraph plain = random_graph(random, 40);
    Solved solved(plain);
    const Set stuck = plain.stuck_by_play();
    REQUIRE(solved.stuck_sessions() == stuck);
    check_knots(plain, solved, stuck);
  }
}

TEST_CASE("deadlock: one victim a knot and round lets all go on in the end") {
  std::mt19937 random(11);
  std::uint32_t most = 0;
  for (int round = 0; round < 5000; ++round) {
    CAPTURE(round);
    most = std::max(most, send_away_until_free(random_graph(random, 30)));
  }
  CHECK(most > 1);
}
