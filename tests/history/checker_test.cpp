// The checker finds each kind of fault when it is planted, and nothing in histories without one.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "history/checker.h"

using namespace numpool_test;

namespace {

// A lease of pool 1 that is told one tick after it was asked for.
Lease lease(int index, std::int64_t fence, Time asked, Time end, int pid = 10) {
  Lease one;
  one.pool = 1;
  one.index = index;
  one.fence = fence;
  one.pid = pid;
  one.asked = asked;
  one.told = asked + 1;
  one.end_asked = end;
  one.end_told = end == kNever ? kNever : end + 1;
  return one;
}

Count count(int in_use, int free, int waiting, Time at = 500) {
  return {1, 2, in_use, free, waiting, in_use, at, at + 1};
}

bool finds(const History& history, Broken what, bool complete = true) {
  for (const Fault& fault : check(history, complete))
    if (fault.what == what) return true;
  return false;
}

// Three leases of two indexes; pid 30 waits from 35 to 60 and is seen waiting; nothing is wrong.
History sound() {
  History history;
  history.leases = {lease(0, 1, 10, 20), lease(1, 2, 11, 58), lease(0, 3, 20, 90),
                    lease(1, 4, 35, 95, 30)};
  history.leases[3].told = 60;
  history.queues = {{1, 40, 42, {{30, 0}}}, {1, 70, 71, {}}};
  history.counts = {count(2, 0, 1, 40), count(2, 0, 0, 70), count(0, 2, 0, 100)};
  return history;
}

}  // namespace

TEST_CASE("checker: a sound history is sound, in any order of its events") {
  CHECK(check(sound(), true).empty());
  History turned = sound();
  std::swap(turned.leases[0], turned.leases[3]);
  std::swap(turned.counts[0], turned.counts[2]);
  CHECK(check(turned, true).empty());
  // A lease may end before its holder has the answer to his release; so the next holder may be told
  // before that.
  History tight;
  tight.leases = {lease(0, 1, 10, 20), lease(0, 2, 12, 30)};
  tight.leases[1].told = 20;
  CHECK(check(tight, true).empty());
}

TEST_CASE("checker: two holders by time") {
  History history = sound();
  history.leases.push_back(lease(0, 5, 80, 99, 30));
  CHECK(finds(history, Broken::kTwoHolders));
}

TEST_CASE("checker: a short lease inside a long one, not next to each other by start") {
  History history;
  history.leases = {lease(0, 1, 10, 100), lease(0, 2, 110, 120), lease(0, 3, 20, 30),
                    lease(0, 4, 40, 50)};
  std::size_t found = 0;
  for (const Fault& fault : check(history, true))
    found += fault.what == Broken::kTwoHolders ? 1 : 0;
  CHECK(found >= 2);
}

TEST_CASE("checker: a lease that has not ended when the next begins") {
  History history;
  history.leases = {lease(0, 1, 10, kNever), lease(0, 2, 50, 60)};
  CHECK(finds(history, Broken::kTwoHolders));
  CHECK(finds(history, Broken::kNeverEnded));
  CHECK_FALSE(finds(history, Broken::kNeverEnded, false));
}

TEST_CASE("checker: fences that contradict time, for one index") {
  History history;
  history.leases = {lease(0, 9, 10, 20), lease(0, 8, 30, 40)};
  CHECK(finds(history, Broken::kFenceOrder));
  CHECK(finds(history, Broken::kTwoHolders));  // by fence, the second one ran into the first
}

TEST_CASE("checker: fences that contradict time, of different indexes") {
  History history = sound();
  history.leases.push_back(lease(5, 1000, 3, 8));
  CHECK(finds(history, Broken::kFenceOrder));
  CHECK_FALSE(finds(history, Broken::kTwoHolders));
}

TEST_CASE("checker: one fence twice, however far apart, but not in two pools") {
  History history = sound();
  history.leases.push_back(lease(1, 1, 200, 210));
  CHECK(finds(history, Broken::kFenceRepeated));
  history.leases.back().pool = 2;
  CHECK(check(history, true).empty());
}

TEST_CASE("checker: the second in the queue is granted first") {
  History history;
  history.leases = {lease(0, 7, 10, 90, 30), lease(1, 6, 11, 90, 31)};
  history.leases[0].told = 60;
  history.leases[1].told = 60;
  history.queues = {{1, 20, 22, {{30, 0}, {31, 0}}}};
  CHECK(finds(history, Broken::kQueueOrder));
  history.queues = {{1, 20, 22, {{31, 0}, {30, 0}}}};
  CHECK(check(history, true).empty());
  // Third and first, with someone between them who was never granted.
  history.queues = {{1, 20, 22, {{30, 0}, {99, 0}, {31, 0}}}};
  CHECK(finds(history, Broken::kQueueOrder));
  // A ticket is a waiter of its own, beside its session.
  history.queues = {{1, 20, 22, {{30, 5}, {31, 0}}}};
  CHECK(check(history, true).empty());
  history.leases[0].ticket = 5;
  CHECK(finds(history, Broken::kQueueOrder));
}

TEST_CASE("checker: a counter-example of order shows the queue that was seen") {
  History history;
  history.leases = {lease(0, 7, 10, 90, 30), lease(1, 6, 11, 90, 31)};
  history.leases[0].told = 60;
  history.leases[1].told = 60;
  history.queues = {{1, 20, 22, {{30, 0}, {31, 0}}}};
  const std::vector<Fault> faults = check(history, true);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().detail.find("queue from 20 to 22, pid:ticket 30:0 31:0") !=
        std::string::npos);
}

TEST_CASE("checker: a look that a wait does not cover proves nothing") {
  History history;
  history.leases = {lease(0, 7, 21, 90, 30), lease(1, 6, 11, 90, 31)};
  history.leases[0].told = 60;
  history.leases[1].told = 60;
  history.queues = {{1, 20, 22, {{30, 0}, {31, 0}}}};
  CHECK(check(history, true).empty());
}

TEST_CASE("checker: a newcomer overtakes one who was seen waiting") {
  History history = sound();
  history.leases[3].fence = 6;
  history.leases.push_back(lease(1, 5, 45, 50, 40));
  history.leases[1].end_asked = 44;
  CHECK(finds(history, Broken::kOvertaken));
  CHECK_FALSE(finds(history, Broken::kTwoHolders));
  // If he had asked before the look, nobody could tell who was first.
  history.leases.back().asked = 41;
  CHECK_FALSE(finds(history, Broken::kOvertaken));
}

TEST_CASE("checker: a drop without force that does not see a holder") {
  History history = sound();
  history.wipes.add(1, 70, 72);
  history.unused_drops = {{1, 70, 72}};
  history.wipes.sort();
  CHECK(finds(history, Broken::kDroppedHeld));
  // A holder who may have ended the lease in time, or who was told of it after that, proves
  // nothing.
  history.leases[2].end_asked = history.leases[3].end_asked = 71;
  CHECK_FALSE(finds(history, Broken::kDroppedHeld));
  history.leases[2].end_asked = 90;
  CHECK(finds(history, Broken::kDroppedHeld));
  history.leases[2].told = 71;
  CHECK_FALSE(finds(history, Broken::kDroppedHeld));
  // Nor does a holder whose pool had been dropped by force before.
  history.leases[2].told = 21;
  history.wipes.add(1, 50, 51);
  history.wipes.sort();
  CHECK_FALSE(finds(history, Broken::kDroppedHeld));
}

TEST_CASE("checker: an idle number while someone waits") {
  History history = sound();
  history.counts.push_back(count(1, 1, 1, 45));
  CHECK(finds(history, Broken::kIdleNumber));
}

TEST_CASE("checker: numbers that do not add up") {
  for (const Count& bad : {count(1, 0, 0, 45), count(2, 1, 0, 45), count(3, -1, 0, 45)}) {
    History history = sound();
    history.counts.push_back(bad);
    CHECK(finds(history, Broken::kMiscounted));
  }
}

TEST_CASE("checker: something left over at the end") {
  for (const Count& bad : {count(1, 1, 0, 101), count(0, 2, 1, 101)}) {
    History history = sound();
    history.counts.insert(history.counts.begin(), bad);
    CHECK(finds(history, Broken::kLeftOver));
    CHECK_FALSE(finds(history, Broken::kLeftOver, false));
  }
}
