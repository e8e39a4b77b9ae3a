#pragma once

#include <memory>

#include <numpool/export.hpp>

namespace numpool {

namespace detail {
class cancellation_state;
struct access;
}  // namespace detail

inline namespace v1 {

/// What a waiting call watches: once its source is cancelled, the call leaves the queue and throws
/// cancelled_error. A token may be copied, shared by many calls and outlive its source.
class NUMPOOL_EXPORT cancellation_token {
 public:
  /// A token that is never cancelled.
  cancellation_token() noexcept;

  /// Whether the source has been cancelled; it stays so for ever.
  [[nodiscard]] bool cancelled() const noexcept;

 private:
  friend struct detail::access;
  friend class cancellation_source;
  explicit cancellation_token(std::shared_ptr<detail::cancellation_state> state) noexcept;

  std::shared_ptr<detail::cancellation_state> state_;
};

/// The end that cancels. Copies share one state. A source that goes away cancels nothing.
class NUMPOOL_EXPORT cancellation_source {
 public:
  cancellation_source();
  /// A move copies, so that no source is ever without a state.
  cancellation_source(const cancellation_source&) noexcept;
  cancellation_source& operator=(const cancellation_source&) noexcept;
  ~cancellation_source();

  [[nodiscard]] cancellation_token token() const noexcept;
  [[nodiscard]] bool cancelled() const noexcept;

  /// Ends every call that waits with a token of this source, and every later one. Idempotent.
  /// Does not wait for them, and takes locks: do not call it from a signal handler.
  void cancel() const;

 private:
  std::shared_ptr<detail::cancellation_state> state_;
};

}  // namespace v1
}  // namespace numpool
