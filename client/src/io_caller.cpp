// What a caller does at the helm, and when the I/O thread lends it: see helm.

#include <poll.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "io_loop.hpp"

namespace numpool::detail {

namespace {

constexpr std::chrono::hours kLongestSleep{1};

}  // namespace

/// Leaves the helm at the end of the scope.
class io_loop::leaving {
 public:
  explicit leaving(io_loop& loop) : loop_(loop) {}
  ~leaving() { loop_.engine_.helm_.leave(is_clear_); }
  leaving(const leaving&) = delete;
  leaving& operator=(const leaving&) = delete;

  void nothing_is_left(bool is_so) { is_clear_ = is_so; }

 private:
  io_loop& loop_;
  bool is_clear_ = false;
};

/// Whether there is nothing to be done but to send, to read and to tell. NB: nothing that has a
/// time before the one for which the I/O thread wakes, as it knows only of those that there were
/// when it lent the helm.
bool io_loop::is_plain() const {
  return state_ == state::ready && !is_shared_ && !schema_.empty() && !question_ &&
         !watch_.asking() && !heartbeat_is_out_ && retries_.empty() && deadlines_.empty();
}

bool io_loop::may_lend() {
  if (!is_plain() || !pipeline_.empty() || !backlog_.empty() || !tickets_.empty()) return false;
  if (crowd_ == 0) return true;
  --crowd_;
  return false;
}

void io_loop::start_as_caller(std::shared_ptr<operation> op) {
  op->submitted(*this);
  backlog_.push_back(std::move(op));
  const int crowd = crowd_;
  if (may_send()) send_backlog();
  crowd_ = crowd;  // what it has sent before and not read yet is no crowd
  if (connection_) work(false);
}

void io_loop::send_as_caller(std::shared_ptr<operation> op) noexcept {
  leaving at_the_end(*this);
  start_as_caller(std::move(op));
  at_the_end.nothing_is_left(is_plain() && backlog_.empty() && tickets_.empty() &&
                             !more_to_write_ && pipeline_.size() <= kRoundTrips);
}

void io_loop::drive(const std::shared_ptr<operation>& op,
                    std::optional<clock::time_point> deadline) noexcept {
  leaving at_the_end(*this);
  start_as_caller(op);
  while (!op->over()) {
    if (!is_plain()) return;
    if (!engine_.helm_.caller_may_sleep()) {
      send_for_others();
      return;
    }
    if (sleep_as_caller(deadline)) {
      heard();
      work(true);
      if (!backlog_.empty() && may_send()) send_backlog();
    } else if (deadline && clock::now() >= *deadline) {
      return;
    }
  }
  at_the_end.nothing_is_left(is_plain() && backlog_.empty() && tickets_.empty() &&
                             !more_to_write_ && pipeline_.empty());
}

/// So that they need not wait until the I/O thread runs.
void io_loop::send_for_others() {
  crowd_ = kCrowdMemory;
  std::vector<helm::submission> arrived;
  engine_.helm_.take_in(&arrived);
  take_in(&arrived);
  if (may_send()) send_backlog();
}

/// Whether the socket is ready; else it may be anything.
bool io_loop::sleep_as_caller(std::optional<clock::time_point> deadline) {
  pollfd fds[2] = {{connection_->socket(), socket_events(), 0},
                   {engine_.helm_.caller_fd(), POLLIN, 0}};
  timespec left{};
  if (deadline) {
    const auto span =
        std::clamp<clock::duration>(*deadline - clock::now(), clock::duration(0), kLongestSleep);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
    left.tv_sec = static_cast<time_t>(seconds.count());
    left.tv_nsec = static_cast<long>(std::chrono::nanoseconds(span - seconds).count());
  }
  const int ready = ::ppoll(fds, 2, deadline ? &left : nullptr, nullptr);
  engine_.helm_.caller_woke(ready > 0 && fds[1].revents != 0);
  return ready > 0 && fds[0].revents != 0;
}

}  // namespace numpool::detail
