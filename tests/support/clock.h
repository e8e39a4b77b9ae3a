// Time limits of tests. All of them are meant for a machine that has nothing else to do: where one
// is over, the test first looks how busy the machine is, and waits as much longer. So a limit is
// exact on a quiet machine and fair on a busy one.
#pragma once

#include <chrono>
#include <string>
#include <utility>

namespace numpool_test {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;
using namespace std::chrono_literals;

// For what must come, and comes at once if nothing is wrong. So long that a disk or a neighbour
// that stands still for a while, which slowness() does not see afterwards, is no failure.
constexpr auto kDeadline = 60s;

// How many times longer work takes now than if the processors had nothing else to do; at least 1.
// Found out by working for a while, each time anew, as it changes.
double slowness();

// For a time that the server is told, and within which the test has something to do: as much longer
// as the machine is busy now. Better is a test that needs no such time.
Milliseconds stretched(Milliseconds time);
// The same as an SQL interval, without quotes.
std::string stretched_interval(Milliseconds time);

// A limit that gives way on a busy machine.
class Limit {
 public:
  explicit Limit(Milliseconds time, Clock::time_point start = Clock::now());

  // Whether the time is over. Measures slowness() each time it seems to be.
  bool over();
  // Until over() has to be asked; 0 if that is now.
  Milliseconds left() const;

 private:
  Clock::time_point start_;
  Milliseconds time_;
  Clock::time_point end_;
};

// Whether no more than `time` has gone by since `start`.
bool took_at_most(Milliseconds time, Clock::time_point start);

void nap(Milliseconds time);

// Calls `condition` until it is true or the time is over, with a short pause between calls.
template <typename Condition>
bool eventually(Condition condition, Milliseconds time = kDeadline, Milliseconds pause = 1ms) {
  Limit limit(time);
  for (;;) {
    if (condition()) return true;
    if (limit.over()) return condition();
    nap(pause);
  }
}

}  // namespace numpool_test
