#include "timed_wait.hpp"

#include <algorithm>
#include <utility>

#include "access.hpp"
#include "cancellation_state.hpp"
#include "engine.hpp"
#include "io_loop.hpp"
#include "io_wait.hpp"
#include "lease_record.hpp"
#include "timed_record.hpp"
#include "token_calls.hpp"

namespace numpool::detail {

namespace {

constexpr std::chrono::milliseconds kShortestPause{50};

}  // namespace

timed_wait::timed_wait(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool,
                       timed_wish what, std::optional<clock::time_point> deadline,
                       std::function<void(timed_result)> callback)
    : engine_(std::move(owner)),
      pool_(std::move(pool)),
      what_(std::move(what)),
      deadline_(deadline),
      asks_once_(deadline && *deadline <= clock::now()),
      by_place_(asks_once_ || what_.is_own_token || engine_->shares_sessions()),
      pauses_(std::min(kShortestPause, what_.place / 3), what_.place / 3),
      callback_(std::move(callback)),
      has_callback_(callback_ != nullptr) {
  pauses_.next();  // the first ask needs none
}

void timed_wait::start(const cancellation_token& token) {
  if (const auto& state = access::state(token)) {
    token_ = token;
    const std::weak_ptr<timed_wait> weak = weak_from_this();
    const std::uint64_t key = state->add([weak] {
      if (auto self = weak.lock()) self->give_up(wait_cancelled_error());
    });
    if (key == 0) {
      finish(nullptr, wait_cancelled_error());
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    token_key_ = key;
  }
  try {
    if (by_place_) {
      engine_->submit(shared_from_this());
    } else {
      take_ticket();
    }
  } catch (const error& why) {
    std::function<void(timed_result)> dropped;  // no thread is left to call it
    {
      std::lock_guard<std::mutex> lock(mutex_);
      dropped.swap(callback_);
    }
    finish(nullptr, why);
    if (dropped) throw;
  }
}

void timed_wait::take_ticket() {
  auto queued = std::make_shared<wait_operation>(
      engine_, pool_, deadline_,
      [self = shared_from_this()](acquire_result result) { self->granted(std::move(result)); },
      wait_operation::delivery::direct);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queued_ = queued;
  }
  queued->start({});
  if (finished()) queued->cancel();
}

/// The I/O thread's, if there is a lease.
void timed_wait::granted(acquire_result result) {
  if (const error* why = result.error()) {
    finish(nullptr, *why);
    return;
  }
  if (finished()) return;  // `result` gives it back
  held_ = result.get();
  index_text_ = std::to_string(held_.index());
  try {
    engine_->submit(shared_from_this());
  } catch (const error& why) {
    finish(nullptr, why);
  }
}

std::optional<timed_lease> timed_wait::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return done_; });
  if (granted_) return access::make_timed(std::move(granted_));
  if (failed_ && failed_->kind() != error_kind::timed_out) failed_->raise();
  return std::nullopt;
}

bool timed_wait::finish(std::shared_ptr<timed_record> record, const std::optional<error>& failed) {
  std::function<void(timed_result)> callback;
  std::uint64_t key = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (done_) return false;
    done_ = true;
    callback.swap(callback_);
    key = std::exchange(token_key_, 0);
    failed_ = failed;
    if (!has_callback_) granted_ = std::move(record);
    changed_.notify_one();
  }
  if (key != 0) access::state(token_)->remove(key);
  if (callback) {
    engine_->callbacks().post(
        [callback = std::move(callback), record = std::move(record), failed]() mutable {
          callback(record ? access::make_result(access::make_timed(std::move(record)))
                          : access::make_timed_result(failed.value()));
        });
  }
  return true;
}

bool timed_wait::finished() {
  std::lock_guard<std::mutex> lock(mutex_);
  return done_;
}

void timed_wait::give_up(const error& why) {
  if (!finish(nullptr, why)) return;
  std::shared_ptr<wait_operation> queued;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queued = queued_;
  }
  if (queued) queued->cancel();
  engine_->withdraw(shared_from_this());
}

/// A request under way comes before the release, so whatever it takes goes back.
void timed_wait::give_back(io_loop& io) {
  if (!what_.is_own_token) io.send_again(std::make_shared<token_release>(what_.token));
}

/// By ticket a request under way has an answer to come, and succeed() gives back what it took.
void timed_wait::withdrawn(io_loop& io) {
  if (is_watched_) io.forget_deadline(*deadline_, *this);
  is_watched_ = false;
  if (by_place_) give_back(io);
}

void timed_wait::expired(io_loop& io) {
  is_watched_ = false;
  if (finish(nullptr, timed_out_error(*pool_))) withdrawn(io);
}

void timed_wait::submitted(io_loop& io) {
  if (!deadline_ || asks_once_ || is_watched_) return;
  is_watched_ = true;
  io.watch_deadline(*deadline_, shared_from_this());
}

bool timed_wait::wanted(io_loop&) {
  sent_at_ = boottime_clock::now();
  if (!finished()) return true;
  held_ = lease();
  return false;
}

request timed_wait::message() {
  const char* holder = what_.holder ? what_.holder->c_str() : nullptr;
  if (by_place_)
    return {&kLeaseToken, 5, {pool_->c_str(), what_.ttl.c_str(), what_.token.c_str(), "0", holder}};
  return {&kKeepToken,
          5,
          {pool_->c_str(), index_text_.c_str(), what_.ttl.c_str(), what_.token.c_str(), holder}};
}

void timed_wait::succeed(io_loop& io, const result& answer) {
  // The session's lease has become the token's, or went with an earlier connection.
  if (!by_place_) access::record(held_)->detach();
  held_ = lease();
  const auto index = integer_field(answer, 0, 0);
  const auto fence = integer_field(answer, 0, 1);
  if (index && fence) {
    const std::int64_t left = std::max<std::int64_t>(integer_field(answer, 0, 2).value_or(0), 0);
    begin(io, static_cast<int>(*index), *fence, std::chrono::microseconds(left));
  } else if (by_place_) {
    ask_again(io);
  } else if (!finished()) {
    try {
      take_ticket();
    } catch (const error& why) {
      finish(nullptr, why);
    }
  }
}

void timed_wait::ask_again(io_loop& io) {
  if (asks_once_) {
    expired(io);
  } else if (!finished()) {
    io.send_later(pauses_.next(), shared_from_this());
  }
}

void timed_wait::begin(io_loop& io, int index, std::int64_t fence, std::chrono::microseconds left) {
  auto record = std::make_shared<timed_record>(
      engine_, timed_grant{pool_, what_.token, index, fence, sent_at_, left});
  io.timed().add(record);
  if (is_watched_) io.forget_deadline(*deadline_, *this);
  is_watched_ = false;
  if (!finish(record, std::nullopt)) record->release(false);
}

void timed_wait::fail(io_loop& io, const error& why) {
  // Who asks once waits only for what he asked himself, over the connection before.
  const bool may_wait = !asks_once_ || clock::now() < repeats_until_;
  if (is_refused_for_now(why) && may_wait && !finished()) {
    io.send_later(pauses_.next(), shared_from_this());
    return;
  }
  held_ = lease();
  if (finish(nullptr, why)) withdrawn(io);
  // Nobody will hear what a request under way has come to.
  if (!by_place_ && why.kind() == error_kind::client_closed) give_back(io);
}

/// The same token makes the same request of it, over any connection.
bool timed_wait::disconnected(io_loop& io, const error&, bool was_sent) {
  if (was_sent) repeats_until_ = clock::now() + what_.place;
  if (!finished()) return true;
  held_ = lease();
  // The number may have become the token's before the answer was lost.
  if (was_sent && !by_place_) give_back(io);
  return false;
}

}  // namespace numpool::detail
