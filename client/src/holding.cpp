#include "holding.hpp"

#include <utility>

#include "engine.hpp"

namespace numpool::detail {

holding::holding(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool, int index)
    : engine_(std::move(owner)), pool_(std::move(pool)), index_(index) {
  engine_->leases_held.fetch_add(1, std::memory_order_relaxed);
}

bool holding::leave_held(state next) {
  state expected = state::held;
  if (!state_.compare_exchange_strong(expected, next)) return false;
  engine_->leases_held.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool holding::leave_quietly(state next, std::function<void()>& dropped) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!leave_held(next)) return false;
  dropped.swap(on_lost_);
  return true;
}

void holding::release(bool wait) {
  if (engine_->forked()) {  // the parent's lease, and its locks may be held for ever here
    if (wait) client_closed_error().raise();
    return;
  }
  std::function<void()> dropped;  // destroyed here, not on the I/O thread
  if (leave_quietly(state::releasing, dropped)) {
    try {
      if (wait) {
        engine_->drive(shared_from_this());
      } else {
        engine_->post(shared_from_this());
      }
    } catch (const error&) {
      finish();  // the client is closed, and gave it back
      return;
    }
  }
  if (!wait) return;
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [this] { return !is(state::releasing); });
  if (error_) std::exchange(error_, std::nullopt)->raise();
}

void holding::finish(std::optional<error> why) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    error_ = std::move(why);
    state_ = state::released;
  }
  finished_.notify_all();
}

void holding::detach() {
  std::function<void()> dropped;
  if (!engine_->forked()) leave_quietly(state::detached, dropped);
}

void holding::on_lost(std::function<void()> callback) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (is(state::held)) {
      on_lost_.swap(callback);
      return;  // the one before is destroyed by the caller's frame, after the lock
    }
  }
  if (is(state::lost) && callback) engine_->callbacks().post(std::move(callback));
}

void holding::lose(const std::string& reason) {
  std::function<void()> callback;
  if (!leave_quietly(state::lost, callback)) return;
  if (callback) engine_->callbacks().post(std::move(callback));
  if (engine_->options().on_lost) {
    engine_->callbacks().post(
        [owner = engine_, what = lost_lease{*pool_, index_, fence(), reason}] {
          owner->options().on_lost(what);
        });
  }
}

bool holding::close() {
  std::function<void()> dropped;
  if (!leave_quietly(state::closed, dropped)) return false;
  // Not on this thread: it may call us back.
  if (dropped) engine_->callbacks().post([dropped = std::move(dropped)] {});
  return true;
}

bool worth_repeating(const error& why) {
  return why.sqlstate() == "57014" || why.sqlstate().compare(0, 2, "53") == 0;
}

bool nothing_left(const error& why) {
  return why.kind() == error_kind::no_such_pool || why.kind() == error_kind::not_installed ||
         why.kind() == error_kind::client_closed || why.sqlstate() == "3F000";
}

}  // namespace numpool::detail
