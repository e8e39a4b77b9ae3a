#pragma once

#include <memory>

#include <numpool/export.hpp>

namespace numpool {

namespace detail {
class cancellation_state;
}

/// What a waiting call watches: once its source is cancelled, the call leaves the queue and throws
/// `error` with errc::cancelled. A token may be copied, shared by many calls and outlive its
/// source.
class NUMPOOL_EXPORT cancellation_token {
 public:
  /// A token that is never cancelled.
  cancellation_token() noexcept;
  /// For cancellation_source only.
  explicit cancellation_token(std::shared_ptr<detail::cancellation_state> state) noexcept;

  /// Whether the source has been cancelled; it stays so for ever.
  bool cancelled() const noexcept;

  /// For the library only; null for a token that is never cancelled.
  const std::shared_ptr<detail::cancellation_state>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::cancellation_state> state_;
};

/// The end that cancels. Copies share one state. A source that goes away cancels nothing.
class NUMPOOL_EXPORT cancellation_source {
 public:
  cancellation_source();

  cancellation_token token() const noexcept;
  bool cancelled() const noexcept;

  /// Ends every call that waits with a token of this source, and every later one. Idempotent.
  /// Does not wait for them, and takes locks: do not call it from a signal handler.
  void cancel();

 private:
  std::shared_ptr<detail::cancellation_state> state_;
};

}  // namespace numpool
