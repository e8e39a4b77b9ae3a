#pragma once

#include <chrono>
#include <random>

namespace numpool::detail {

/// The pauses between attempts to connect: doubling, with jitter, none before the first.
class backoff {
 public:
  using milliseconds = std::chrono::milliseconds;

  backoff(milliseconds least, milliseconds most)
      : least_(least), most_(most), random_(std::random_device()()) {}

  void reset() { next_ = milliseconds(0); }

  milliseconds next() {
    const milliseconds pause = next_;
    next_ = std::min(most_, std::max(least_, next_ * 2));
    std::uniform_int_distribution<milliseconds::rep> jitter(0, pause.count() / 2);
    return pause - milliseconds(jitter(random_));
  }

 private:
  const milliseconds least_;
  const milliseconds most_;
  milliseconds next_{0};
  std::minstd_rand random_;
};

}  // namespace numpool::detail
