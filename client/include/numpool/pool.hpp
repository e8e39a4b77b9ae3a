#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <numpool/cancellation.hpp>
#include <numpool/error.hpp>
#include <numpool/export.hpp>
#include <numpool/lease.hpp>
#include <numpool/options.hpp>
#include <numpool/status.hpp>
#include <numpool/timed_lease.hpp>

namespace numpool {

namespace detail {
class engine;
struct access;
struct creation;
}  // namespace detail

inline namespace v1 {

/// What acquire_async() hands to its callback: a lease, or why there is none.
class [[nodiscard]] NUMPOOL_EXPORT acquire_result {
 public:
  [[nodiscard]] bool has_lease() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_lease(); }

  /// Takes the lease out. Throws the error if there is none.
  lease get() {
    if (error_) error_->raise();
    return std::move(lease_);
  }

  /// Null if there is a lease.
  [[nodiscard]] const numpool::error* error() const noexcept { return error_ ? &*error_ : nullptr; }

 private:
  friend struct detail::access;
  explicit acquire_result(lease granted) noexcept : lease_(std::move(granted)) {}
  explicit acquire_result(const numpool::error& why) noexcept : error_(why) {}

  lease lease_;
  std::optional<numpool::error> error_;
};

/// A pool as one client sees it: its name and the client. Copies are cheap, and a move copies, so
/// that no handle is ever empty. A handle may outlive the client; then its calls throw
/// error_kind::client_closed. It goes by the name, so after drop and re-creation it means the new
/// pool. Any number of threads may use one. What client::create_or_open() says of ephemeral pools
/// counts for all forms of acquire().
///
/// All but name() ask the server, and throw `error`: what the server says, error_kind::no_such_pool
/// among it, and client_closed, cannot_connect or connection_lost. With
/// client_options::transaction_pooling acquire(), its other forms and with_lock() throw
/// error_kind::not_supported at once; those of acquire_timed() are for there.
class NUMPOOL_EXPORT pool {
 public:
  pool(const pool&) noexcept;
  pool& operator=(const pool&) noexcept;
  ~pool();

  [[nodiscard]] const std::string& name() const noexcept { return *name_; }

  /// Waits, first come first served, until a number is free; holds nothing on the server but its
  /// place in the queue. If the connection goes meanwhile, it joins the queue again, at its end.
  /// Throws cancelled_error once the token is cancelled, no_such_pool_error if the pool is dropped,
  /// and error_kind::timed_out when the time of `options` is over.
  lease acquire(const wait_options& options = {}) const;

  /// The lowest free number at once, or nothing. Never waits in the queue.
  [[nodiscard]] std::optional<lease> try_acquire() const;

  /// As acquire(), but returns nothing when the time is over; a grant that crosses with that goes
  /// back to the pool.
  [[nodiscard]] std::optional<lease> try_acquire(const wait_options& options) const;

  /// try_acquire() with a timeout.
  template <class Rep, class Period>
  [[nodiscard]] std::optional<lease> acquire_for(std::chrono::duration<Rep, Period> timeout,
                                                 cancellation_token token = {}) const {
    return try_acquire(wait_options(timeout, std::move(token)));
  }

  /// try_acquire() with a deadline.
  template <class Clock, class Duration>
  [[nodiscard]] std::optional<lease> acquire_until(std::chrono::time_point<Clock, Duration> when,
                                                   cancellation_token token = {}) const {
    return try_acquire(wait_options(when, std::move(token)));
  }

  /// Joins the queue and returns; `callback` gets the lease or the error, once, on the client's
  /// callback thread (client_options::on_lost says what it may do there). Throws
  /// error_kind::client_closed, and drops the callback, once close() has begun.
  void acquire_async(std::function<void(acquire_result)> callback,
                     const wait_options& options = {}) const;

  /// The same as a future. A future that is dropped does not leave the queue: its lease is given
  /// back when it comes. Use a timeout or a token to leave earlier.
  [[nodiscard]] std::future<lease> acquire_future(const wait_options& options = {}) const;

  /// Waits as acquire() does, and leases the number for a token: it outlives the connection, and is
  /// renewed by the client. Needs the right to (README, "Timed leases"). If the connection goes
  /// while it waits it joins the queue again, at its end; with timed_options::token, or
  /// client_options::transaction_pooling, it keeps its place. Throws what acquire() throws, and
  /// error_kind::invalid_value for a ttl, token or holder that makes no sense.
  timed_lease acquire_timed(const timed_options& options) const;

  /// The same, but nothing when the timeout is over. Without a timeout it does not wait.
  [[nodiscard]] std::optional<timed_lease> try_acquire_timed(const timed_options& options) const;

  /// try_acquire_timed() with this timeout.
  template <class Rep, class Period>
  [[nodiscard]] std::optional<timed_lease> acquire_timed_for(
      std::chrono::duration<Rep, Period> timeout, timed_options options) const {
    options.timeout = wait_options(timeout).timeout.value_or(std::chrono::hours(24 * 365 * 30));
    return try_acquire_timed(options);
  }

  /// try_acquire_timed() with a deadline.
  template <class Clock, class Duration>
  [[nodiscard]] std::optional<timed_lease> acquire_timed_until(
      std::chrono::time_point<Clock, Duration> when, timed_options options) const {
    return acquire_timed_for(when - Clock::now(), std::move(options));
  }

  /// acquire_timed() as acquire_async() does it.
  void acquire_timed_async(std::function<void(timed_result)> callback,
                           const timed_options& options) const;

  /// acquire_timed() as acquire_future() does it.
  [[nodiscard]] std::future<timed_lease> acquire_timed_future(const timed_options& options) const;

  /// Changes the size, 1..65536, and returns the old one. Numbers above a smaller size stay leased
  /// until they are released. Growing serves waiters at once.
  int resize(int size) const;

  /// The metadata: JSON as text in PostgreSQL's normal form, or nothing for SQL NULL.
  [[nodiscard]] std::optional<std::string> metadata() const;
  void set_metadata(std::optional<std::string_view> json) const;

  /// Sets the metadata to `json` if they equal `expected`; true too where they already equal
  /// `json`. False: they are something else, and stay so.
  [[nodiscard]] bool replace_metadata(std::optional<std::string_view> expected,
                                      std::optional<std::string_view> json) const;

  /// Size, counts and counters: a snapshot.
  [[nodiscard]] pool_status status() const;
  /// Who holds what, by index: a snapshot.
  [[nodiscard]] std::vector<lease_info> leases() const;
  /// Who waits, from the head of the queue: a snapshot.
  [[nodiscard]] std::vector<waiter_info> waiters() const;

  /// Runs `fn` while no other with_lock() of this pool runs anywhere (numpool_xact_lock), and
  /// returns what it returns. Acquiring does not care about the lock, and the lock is not fair.
  ///
  /// The lock lives in a transaction, and the client's connection is shared by all its calls, so
  /// this opens a connection of its own and closes it afterwards: some milliseconds, and one of
  /// the server's max_connections. The lock goes when that connection does: if that is seen at the
  /// end, this throws error_kind::connection_lost although `fn` ran. Not recursive: a nested call
  /// for the same pool waits for itself. close() ends a call that waits for the lock.
  template <class F>
  auto with_lock(F&& fn) const -> decltype(fn()) {
    section_guard guard(*this);
    if constexpr (std::is_void_v<decltype(fn())>) {
      fn();
      guard.leave();
    } else {
      decltype(fn()) result = fn();
      guard.leave();
      return result;
    }
  }

 private:
  friend struct detail::access;
  std::optional<timed_lease> wait_timed(const timed_options& options) const;
  pool(std::shared_ptr<detail::engine> engine, std::string_view name,
       std::shared_ptr<const detail::creation> what);

  class NUMPOOL_EXPORT section_guard {
   public:
    explicit section_guard(const pool& locked);
    ~section_guard();
    section_guard(const section_guard&) = delete;
    section_guard& operator=(const section_guard&) = delete;
    void leave();

   private:
    struct impl;
    std::unique_ptr<impl> impl_;
  };

  std::shared_ptr<detail::engine> engine_;
  std::shared_ptr<const std::string> name_;
  std::shared_ptr<const detail::creation> creation_;  // of an ephemeral pool, to make it again
};

}  // namespace v1
}  // namespace numpool
