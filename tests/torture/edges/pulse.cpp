#include "pulse.h"

#include <chrono>

namespace numpool_test {

namespace {

constexpr auto kBeat = std::chrono::milliseconds(10);
// A thread of a busy machine is this late without anything being wrong.
constexpr Time kLate = 40000000;

}  // namespace

Pulse::Pulse() : thread_([this] { run(); }) {}

Pulse::~Pulse() {
  stop();
}

std::vector<Stall> Pulse::stop() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
  return stalls_;
}

void Pulse::run() {
  while (!over_) {
    const Time from = now();
    std::this_thread::sleep_for(kBeat);
    const Time until = now();
    if (until - from > kLate) stalls_.push_back({from, until});
  }
}

}  // namespace numpool_test
