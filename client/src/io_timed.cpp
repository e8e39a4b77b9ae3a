#include "io_timed.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "io_loop.hpp"
#include "timed_record.hpp"
#include "token_calls.hpp"

namespace numpool::detail {

namespace {

constexpr std::chrono::milliseconds kAgain{50};

}  // namespace

timed_book::timed_book() : fd_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
}

timed_book::~timed_book() {
  ::close(fd_);
}

void timed_book::add(std::shared_ptr<timed_record> record) {
  due_.emplace(boottime_clock::now(), std::move(record));  // it says itself when to come again
  set_timer();
}

void timed_book::do_what_is_due(io_loop& io) {
  const auto now = boottime_clock::now();
  if (due_.empty() || due_.begin()->first > now) return;
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto record = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    if (const auto next = record->look(io)) due_.emplace(std::max(*next, now + kShortest), record);
  }
  set_timer();
}

void timed_book::renew_all() {
  for (auto& record : take_all()) {
    record->renew_soon();
    due_.emplace(boottime_clock::now(), std::move(record));
  }
  set_timer();
}

std::vector<std::shared_ptr<timed_record>> timed_book::take_all() {
  std::vector<std::shared_ptr<timed_record>> out;
  out.reserve(due_.size());
  for (auto& [when, record] : due_) out.push_back(std::move(record));
  due_.clear();
  set_timer();
  return out;
}

/// Setting it makes the descriptor unreadable until then.
void timed_book::set_timer() {
  itimerspec timer{};
  if (!due_.empty()) {
    const auto since = due_.begin()->first.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    timer.it_value.tv_sec = static_cast<time_t>(seconds.count());
    timer.it_value.tv_nsec = static_cast<long>((since - seconds).count());
  }
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &timer, nullptr);
}

request token_release::message() {
  return {&kReleaseToken, 1, {token_.c_str()}};
}

/// What an earlier connection was asked for the token may still be under way.
void token_release::fail(io_loop& io, const error& why) {
  if (is_refused_for_now(why) && attempts_left_-- > 0) io.send_later(kAgain, shared_from_this());
}

bool timed_beginning::wanted(io_loop& io) {
  if (record_) io.timed().add(std::exchange(record_, nullptr));
  return false;
}

request timed_beginning::message() {
  return {&kHeartbeat, 0, {}};
}

}  // namespace numpool::detail
