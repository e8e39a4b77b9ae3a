#include "lease_record.hpp"

#include <charconv>
#include <utility>

#include "engine.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

namespace {

template <class Integer, std::size_t Size>
void print(Integer value, char (&out)[Size]) {
  *std::to_chars(out, out + Size - 1, value).ptr = '\0';
}

/// Errors after which the server still has the lease, and asking again may help: somebody
/// cancelled the statement, or memory was short.
bool worth_repeating(const error& why) {
  return why.sqlstate() == "57014" || why.sqlstate().compare(0, 2, "53") == 0;
}

/// Errors that say that there is nothing left to give back, or that close() has seen to it.
bool nothing_left(const error& why) {
  return why.kind() == error_kind::no_such_pool || why.kind() == error_kind::not_installed ||
         why.kind() == error_kind::client_closed || why.sqlstate() == "3F000";
}

}  // namespace

lease_record::lease_record(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool,
                           int index, std::int64_t fence, std::uint64_t connection_number)
    : engine_(std::move(owner)),
      pool_(std::move(pool)),
      fence_(fence),
      connection_number_(connection_number),
      index_(index) {
  print(index, index_text_);
  print(fence, fence_text_);
  engine_->leases_held.fetch_add(1, std::memory_order_relaxed);
}

bool lease_record::leave_held(state next) {
  state expected = state::held;
  if (!state_.compare_exchange_strong(expected, next)) return false;
  engine_->leases_held.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void lease_record::release(bool wait) {
  if (engine_->forked()) {  // the parent's lease, and its locks may be held for ever here
    if (wait) client_closed_error().raise();
    return;
  }
  std::function<void()> dropped;  // what it owns is destroyed here, not on the I/O thread
  if (leave_held(state::releasing)) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      dropped.swap(on_lost_);
    }
    try {
      engine_->submit(shared_from_this());
    } catch (const error&) {
      finish();  // the client is closed, and gave it back
      return;
    }
  }
  if (!wait) return;
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [this] { return state_.load() != state::releasing; });
  if (error_) std::exchange(error_, std::nullopt)->raise();
}

void lease_record::finish(std::optional<error> why) {
  std::lock_guard<std::mutex> lock(mutex_);
  error_ = std::move(why);
  state_ = state::released;
  finished_.notify_all();
}

void lease_record::on_lost(std::function<void()> callback) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (held()) {
      on_lost_.swap(callback);
      return;  // the one before is destroyed by the caller's frame, after the lock
    }
  }
  if (lost() && callback) engine_->callbacks().post(std::move(callback));
}

void lease_record::lose(const std::string& reason) {
  std::function<void()> callback;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!leave_held(state::lost)) return;
    callback.swap(on_lost_);
  }
  if (callback) engine_->callbacks().post(std::move(callback));
  if (engine_->options().on_lost) {
    engine_->callbacks().post([owner = engine_, what = lost_lease{*pool_, index_, fence_, reason}] {
      owner->options().on_lost(what);
    });
  }
}

void lease_record::kept() {
  leave_held(state::released);
}

void lease_record::close() {
  std::function<void()> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!leave_held(state::closed)) return;
    dropped.swap(on_lost_);
  }
  // Whatever the callback owned may call us back: not on this thread.
  if (dropped) engine_->callbacks().post([dropped = std::move(dropped)] {});
}

bool lease_record::wanted(io_loop& io) {
  io.leases().remove(*this);
  if (connection_number_ == io.connection_number()) return true;
  finish();  // the connection that held it is gone, and the lease with it
  return false;
}

request lease_record::message() {
  return {&kRelease, 3, {pool_->c_str(), index_text_, fence_text_}};
}

void lease_record::succeed(io_loop&, const result&) {
  finish();
}

void lease_record::fail(io_loop& io, const error& why) {
  if (worth_repeating(why)) {
    io.send_again(shared_from_this());
  } else if (nothing_left(why)) {
    finish();
  } else {
    finish(why);
  }
}

bool lease_record::disconnected(io_loop&, const error&, bool) {
  finish();
  return false;
}

}  // namespace numpool::detail
