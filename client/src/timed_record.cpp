#include "timed_record.hpp"

#include <ctime>

#include <algorithm>
#include <random>
#include <utility>

#include "engine.hpp"
#include "io_loop.hpp"
#include "token_calls.hpp"

namespace numpool {

boottime_clock::time_point boottime_clock::now() noexcept {
  timespec read{};
  clock_gettime(CLOCK_BOOTTIME, &read);
  return time_point(std::chrono::seconds(read.tv_sec) + std::chrono::nanoseconds(read.tv_nsec));
}

namespace detail {

namespace {

/// Asks for the whole time again. Sent again over the next connection, as often as it takes.
class renewal_operation : public operation {
 public:
  explicit renewal_operation(std::shared_ptr<timed_record> of) : of_(std::move(of)) {}

  bool wanted(io_loop&) override {
    sent_at_ = boottime_clock::now();
    return of_->held();
  }
  request message() override { return {&kRenewToken, 1, {of_->token().c_str()}}; }
  void succeed(io_loop& io, const result& answer) override {
    const auto fence = integer_field(answer, 0, 0);
    const auto ttl = integer_field(answer, 0, 1);
    if (fence && ttl) {
      of_->renewed(sent_at_, *fence, std::chrono::microseconds(*ttl));
      // Too late: nobody here has it any more, so nobody else should wait for it.
      if (of_->lost()) io.send_again(std::make_shared<token_release>(of_->token()));
    } else {
      of_->lose("the server says that it is over");
    }
  }
  void fail(io_loop&, const error&) override { of_->not_renewed(); }
  bool disconnected(io_loop&, const error&, bool) override { return of_->held(); }

 private:
  const std::shared_ptr<timed_record> of_;
  boottime_clock::time_point sent_at_;
};

}  // namespace

timed_record::timed_record(std::shared_ptr<engine> owner, timed_grant granted)
    : holding(std::move(owner), std::move(granted.pool), granted.index),
      token_(std::move(granted.token)),
      fence_(granted.fence),
      valid_until_(granted.sent_at + granted.lasts),
      renew_at_(next_renewal(granted.lasts)),
      lasts_(granted.lasts) {}

/// A third of the time, less a random part of up to a quarter of that, so that the leases of many
/// clients that began together are not renewed together for ever.
timed_record::clock::time_point timed_record::next_renewal(clock::duration lasts) const {
  thread_local std::minstd_rand random(std::random_device{}());
  const auto third = lasts.count() / 3;
  std::uniform_int_distribution<clock::rep> jitter(0, std::max<clock::rep>(third / 4, 0));
  return clock::now() + clock::duration(third - jitter(random));
}

timed_record::clock::time_point timed_record::valid_until() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return valid_until_;
}

bool timed_record::lost() const {
  return is(state::lost) || (is(state::held) && clock::now() >= valid_until());
}

bool timed_record::renew() {
  if (!held()) return false;
  const auto sent_at = clock::now();
  const rows answer = owner().call(kRenewToken, {token_});
  const row& only = answer.at(0);
  if (!only.at(0) || !only.at(1)) {
    lose("the server says that it is over");
    return false;
  }
  renewed(sent_at, std::strtoll(only[0]->c_str(), nullptr, 10),
          std::chrono::microseconds(std::strtoll(only[1]->c_str(), nullptr, 10)));
  return held();
}

void timed_record::renewed(clock::time_point sent_at, std::int64_t fence, clock::duration ttl) {
  std::lock_guard<std::mutex> lock(mutex_);
  renewal_is_out_ = false;
  // Answers may cross: that of an older request takes nothing back.
  if (fence > fence_.load()) fence_ = fence;
  lasts_ = ttl;
  valid_until_ = std::max(valid_until_, sent_at + ttl);
  renew_at_ = next_renewal(ttl);
}

/// Not for this time: soon again, as long as there is time.
void timed_record::not_renewed() {
  std::lock_guard<std::mutex> lock(mutex_);
  renewal_is_out_ = false;
  renew_at_ = clock::now() + std::clamp<clock::duration>(lasts_ / 30, std::chrono::milliseconds(10),
                                                         std::chrono::seconds(5));
}

std::optional<timed_record::clock::time_point> timed_record::look(io_loop& io) {
  if (!is(state::held)) return std::nullopt;
  const auto now = clock::now();
  bool over = false;
  bool renew = false;
  clock::time_point next;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    over = now >= valid_until_;
    renew = !renewal_is_out_ && now >= renew_at_;
    if (renew) renewal_is_out_ = true;
    next = renewal_is_out_ ? valid_until_ : std::min(valid_until_, renew_at_);
  }
  if (over) {
    lose("it could not be renewed in time");
    return std::nullopt;
  }
  if (renew)
    io.send_first(std::make_shared<renewal_operation>(
        std::static_pointer_cast<timed_record>(shared_from_this())));
  return next;
}

void timed_record::renew_soon() {
  std::lock_guard<std::mutex> lock(mutex_);
  renew_at_ = clock::now();
}

/// What has ended by time needs no release.
bool timed_record::wanted(io_loop&) {
  if (clock::now() < valid_until()) return true;
  finish();
  return false;
}

request timed_record::message() {
  return {&kReleaseToken, 1, {token_.c_str()}};
}

void timed_record::succeed(io_loop&, const result&) {
  finish();
}

void timed_record::fail(io_loop& io, const error& why) {
  if (worth_repeating(why) || is_refused_for_now(why)) {
    io.send_later(std::chrono::milliseconds(50), shared_from_this());
  } else if (nothing_left(why)) {
    finish();
  } else {
    finish(why);
  }
}

bool timed_record::disconnected(io_loop&, const error&, bool) {
  return true;  // asked twice, the server says that there is nothing
}

}  // namespace detail
}  // namespace numpool
