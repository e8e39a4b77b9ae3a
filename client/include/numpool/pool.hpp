#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <numpool/cancellation.hpp>
#include <numpool/error.hpp>
#include <numpool/export.hpp>
#include <numpool/lease.hpp>
#include <numpool/status.hpp>

namespace numpool {

namespace detail {
class engine;
}

/// What acquire_async() hands to its callback: a lease, or why there is none.
class NUMPOOL_EXPORT acquire_result {
 public:
  /// For the library only.
  explicit acquire_result(lease granted) noexcept : lease_(std::move(granted)) {}
  explicit acquire_result(const numpool::error& why) noexcept : error_(why) {}

  bool has_lease() const noexcept { return lease_.has_value(); }

  /// Takes the lease out. Throws the error if there is none.
  lease get() {
    if (error_) throw *error_;
    return std::move(*lease_);
  }

  /// Null if there is a lease.
  const numpool::error* error() const noexcept { return error_ ? &*error_ : nullptr; }

 private:
  std::optional<lease> lease_;
  std::optional<numpool::error> error_;
};

/// A pool as one client sees it: its id and the client. Copies are cheap. A handle may outlive
/// the client; then its calls throw errc::client_closed. It names the pool by id, so after drop
/// and re-creation it means the new pool.
///
/// Calls that talk to the server throw `error` with the server's SQLSTATE, errc::no_such_pool
/// among them, and errc::client_closed, errc::cannot_connect or errc::connection_lost.
class NUMPOOL_EXPORT pool {
 public:
  const std::string& id() const noexcept { return *id_; }

  /// Waits, first come first served, until a number is free; holds nothing on the server but its
  /// place in the queue. If the connection goes meanwhile, it joins the queue again, at its end.
  /// Throws errc::cancelled once `token` is cancelled, errc::no_such_pool if the pool is dropped.
  lease acquire(const cancellation_token& token = {}) const;

  /// The lowest free number at once, or nothing. Never waits in the queue.
  std::optional<lease> try_acquire() const;

  /// As acquire(), but gives up after `timeout` and returns nothing; a grant that crosses with
  /// the end of the timeout goes back to the pool. Zero or less is try_acquire().
  template <class Rep, class Period>
  std::optional<lease> acquire_for(std::chrono::duration<Rep, Period> timeout,
                                   const cancellation_token& token = {}) const {
    using std::chrono::steady_clock;
    if (timeout <= timeout.zero()) return try_acquire();
    const std::chrono::duration<double> seconds = timeout;
    if (seconds.count() > kLongestTimeout) return acquire(token);
    return acquire_by(
        steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(seconds), token);
  }

  /// As acquire_for() with the time that is left until `when`, by its own clock now.
  template <class Clock, class Duration>
  std::optional<lease> acquire_until(std::chrono::time_point<Clock, Duration> when,
                                     const cancellation_token& token = {}) const {
    return acquire_for(when - Clock::now(), token);
  }

  /// Joins the queue and returns; `callback` gets the lease or the error, once, on the client's
  /// callback thread (client_options::on_lost says what it may do there). Throws
  /// errc::client_closed, and drops the callback, once close() has begun.
  void acquire_async(std::function<void(acquire_result)> callback,
                     const cancellation_token& token = {}) const;

  /// The same as a future. A future that is dropped does not leave the queue: its lease is given
  /// back when it comes. Use the token to leave earlier.
  std::future<lease> acquire_future(const cancellation_token& token = {}) const;

  /// Changes the size, 1..65536, and returns the old one. Numbers above a smaller size stay leased
  /// until they are released. Growing serves waiters at once.
  int resize(int size) const;

  /// The metadata: JSON as text in PostgreSQL's normal form, or nothing for SQL NULL.
  std::optional<std::string> metadata() const;
  void set_metadata(const std::optional<std::string>& json) const;

  /// Sets the metadata to `json` if they equal `expected`; true too where they already equal
  /// `json`. False: they are something else, and stay so.
  bool replace_metadata(const std::optional<std::string>& expected,
                        const std::optional<std::string>& json) const;

  /// Sizes, counts and counters.
  pool_status status() const;
  /// Shorthand for status().size.
  int size() const { return status().size; }
  /// Who holds what, by index.
  std::vector<lease_info> leases() const;
  /// Who waits, from the head of the queue.
  std::vector<waiter_info> waiters() const;

  /// Runs `fn` while no other with_lock() of this pool runs anywhere (numpool_xact_lock), and
  /// returns what it returns. Acquiring does not care about the lock, and the lock is not fair.
  ///
  /// The lock lives in a transaction, and the client's connection is shared by all its calls, so
  /// this opens a connection of its own and closes it afterwards: some milliseconds, and one of
  /// the server's max_connections. The lock goes when that connection does: if that is seen at the
  /// end, this throws errc::connection_lost although `fn` ran. Not recursive: a nested call for
  /// the same pool waits for itself. close() ends a call that waits for the lock.
  template <class F>
  auto with_lock(F&& fn) const -> decltype(fn()) {
    lock_guard guard(*this);
    if constexpr (std::is_void_v<decltype(fn())>) {
      fn();
      guard.unlock();
    } else {
      decltype(fn()) result = fn();
      guard.unlock();
      return result;
    }
  }

  /// For the library only.
  pool(std::shared_ptr<detail::engine> engine, std::string id);

 private:
  class NUMPOOL_EXPORT lock_guard {
   public:
    explicit lock_guard(const pool& locked);
    ~lock_guard();
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;
    void unlock();

   private:
    struct impl;
    std::unique_ptr<impl> impl_;
  };

  static constexpr double kLongestTimeout = 1e9;  // seconds; longer is for ever

  std::optional<lease> acquire_by(std::chrono::steady_clock::time_point deadline,
                                  const cancellation_token& token) const;

  std::shared_ptr<detail::engine> engine_;
  std::shared_ptr<const std::string> id_;
};

}  // namespace numpool
