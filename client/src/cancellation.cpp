#include <numpool/cancellation.hpp>

#include <utility>

#include "cancellation_state.hpp"

namespace numpool {

namespace detail {

bool cancellation_state::cancelled() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

void cancellation_state::cancel() {
  std::map<std::uint64_t, std::function<void()>> callbacks;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    cancelled_ = true;
    callbacks.swap(callbacks_);
  }
  for (auto& entry : callbacks) entry.second();
}

std::uint64_t cancellation_state::add(std::function<void()> callback) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled_) return 0;
  callbacks_.emplace(++last_key_, std::move(callback));
  return last_key_;
}

void cancellation_state::remove(std::uint64_t key) {
  std::function<void()> removed;  // destroyed after the lock: it may own anything
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = callbacks_.find(key);
  if (found == callbacks_.end()) return;
  removed = std::move(found->second);
  callbacks_.erase(found);
}

}  // namespace detail

cancellation_token::cancellation_token() noexcept = default;
cancellation_token::cancellation_token(std::shared_ptr<detail::cancellation_state> state) noexcept
    : state_(std::move(state)) {}
bool cancellation_token::cancelled() const noexcept {
  return state_ && state_->cancelled();
}

cancellation_source::cancellation_source()
    : state_(std::make_shared<detail::cancellation_state>()) {}
cancellation_source::cancellation_source(const cancellation_source&) noexcept = default;
cancellation_source& cancellation_source::operator=(const cancellation_source&) noexcept = default;
cancellation_source::~cancellation_source() = default;
cancellation_token cancellation_source::token() const noexcept {
  return cancellation_token(state_);
}
bool cancellation_source::cancelled() const noexcept {
  return state_->cancelled();
}
void cancellation_source::cancel() const {
  state_->cancel();
}

}  // namespace numpool
