#include "helm.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace numpool::detail {

helm::put_result helm::put(submission what, bool may_take) {
  event* wake = nullptr;
  auto result = put_result::left;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) return put_result::refused;
    if (may_take && at_ == position::nobody && inbox_.empty()) {
      at_ = position::caller;
      ++callers_;
      result = put_result::taken;
      if (!std::exchange(patrols_, true) && std::exchange(io_asleep_, false)) wake = &wake_;
    } else {
      inbox_.push_back(std::move(what));
      if (at_ == position::caller) {
        if (std::exchange(caller_asleep_, false)) wake = &caller_wake_;
      } else if (std::exchange(io_asleep_, false)) {
        wake = &wake_;
      }
    }
  }
  if (wake != nullptr) wake->set();
  return result;
}

bool helm::take_in(std::vector<submission>* into) {
  std::lock_guard<std::mutex> lock(mutex_);
  into->swap(inbox_);
  return !closing_;
}

bool helm::may_sleep(bool lends) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closing_ || !inbox_.empty()) return false;
  io_asleep_ = true;
  if (lends) at_ = position::nobody;
  return true;
}

bool helm::woke(bool event_fired) {
  if (event_fired) wake_.clear();
  std::lock_guard<std::mutex> lock(mutex_);
  io_asleep_ = false;
  if (at_ == position::nobody && !patrols_) at_ = position::io_thread;
  return at_ == position::io_thread && callers_ == lent_at_;
}

/// NB: patrols_ may only be true while the I/O thread is sure to look within a moment, since a
/// caller that leaves relies on it. It is set by who wakes the I/O thread, and here.
void helm::wait_for_turn(int timer_fd, std::optional<clock::time_point> alarm) {
  std::uint64_t seen = 0;
  bool is_due = false;
  while (true) {
    int timeout = -1;
    bool wake_caller = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      io_asleep_ = false;
      const bool idle = callers_ == seen;
      if (at_ == position::nobody && (is_due || idle || closing_ || !inbox_.empty()))
        at_ = position::io_thread;
      if (at_ == position::io_thread) {
        patrols_ = false;
        is_asked_for_ = false;
        lent_at_ = callers_;
        return;
      }
      if (is_due || closing_) wake_caller = ask_for_helm();
      patrols_ = !is_asked_for_ && !(idle && at_ == position::caller);
      seen = callers_;
      io_asleep_ = true;
      if (patrols_) {
        timeout = static_cast<int>(kMoment.count());
      } else if (!is_asked_for_ && alarm) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*alarm - clock::now());
        timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3600000));
      }
    }
    if (wake_caller) caller_wake_.set();
    pollfd fds[2] = {{wake_.fd(), POLLIN, 0}, {is_due ? -1 : timer_fd, POLLIN, 0}};
    const int ready = ::poll(fds, 2, timeout);
    if (ready > 0 && fds[0].revents != 0) wake_.clear();
    is_due = is_due || (ready > 0 && fds[1].revents != 0) || (alarm && clock::now() >= *alarm);
  }
}

bool helm::ask_for_helm() {
  is_asked_for_ = true;
  return std::exchange(caller_asleep_, false);
}

bool helm::caller_may_sleep() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closing_ || is_asked_for_ || !inbox_.empty()) return false;
  caller_asleep_ = true;
  return true;
}

void helm::caller_woke(bool event_fired) {
  if (event_fired) caller_wake_.clear();
  std::lock_guard<std::mutex> lock(mutex_);
  caller_asleep_ = false;
}

void helm::leave(bool is_clear) {
  bool wake = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (is_clear && patrols_ && inbox_.empty() && !is_asked_for_ && !closing_) {
      at_ = position::nobody;
      return;
    }
    at_ = position::io_thread;
    wake = std::exchange(io_asleep_, false);
  }
  if (wake) wake_.set();
}

bool helm::close() {
  bool wake = false;
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    first = !std::exchange(closing_, true);
    wake = std::exchange(io_asleep_, false);
  }
  if (wake) wake_.set();
  return first;
}

}  // namespace numpool::detail
