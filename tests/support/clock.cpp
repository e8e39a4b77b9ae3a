#include "support/clock.h"

#include <time.h>

#include <algorithm>
#include <thread>

namespace numpool_test {

namespace {

// Long enough for whoever competes to have had their turns.
constexpr double kWork = 0.15;  // seconds of a processor

double processor_time() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

double slowness() {
  const auto start = Clock::now();
  const double work_start = processor_time();
  double worked = 0;
  while (worked < kWork) worked = processor_time() - work_start;
  return std::max(1.0, seconds_since(start) / worked);
}

Milliseconds stretched(Milliseconds time) {
  return std::chrono::ceil<Milliseconds>(std::chrono::duration<double>(time) * slowness());
}

std::string stretched_interval(Milliseconds time) {
  return std::to_string(stretched(time).count()) + " ms";
}

Limit::Limit(Milliseconds time, Clock::time_point start)
    : start_(start), time_(time), end_(start + time) {}

bool Limit::over() {
  if (Clock::now() < end_) return false;
  end_ = std::max(end_, start_ + stretched(time_));
  return Clock::now() >= end_;
}

Milliseconds Limit::left() const {
  const auto left = std::chrono::ceil<Milliseconds>(end_ - Clock::now());
  return std::max(left, 0ms);
}

bool took_at_most(Milliseconds time, Clock::time_point start) {
  const double seconds = seconds_since(start);
  const double limit = std::chrono::duration<double>(time).count();
  return seconds <= limit || seconds <= limit * slowness();
}

void nap(Milliseconds time) {
  std::this_thread::sleep_for(time);
}

}  // namespace numpool_test
