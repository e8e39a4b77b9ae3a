#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <numpool/cancellation.hpp>
#include <numpool/error.hpp>
#include <numpool/export.hpp>

namespace numpool {

namespace detail {
class timed_record;
struct access;
}  // namespace detail

inline namespace v1 {

/// Time since the machine's start, which goes on while it sleeps (CLOCK_BOOTTIME).
struct NUMPOOL_EXPORT boottime_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<boottime_clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept;
};

/// What to lease by token, and how long to wait for it.
///
///     numpool::timed_options options;
///     options.ttl = 2h;
///     options.holder = "jane, desk 7";
///     numpool::timed_lease seat = licences.acquire_timed(options);
struct timed_options {
  /// How long the lease lasts from its last renewal, 100 ms to 30 days.
  std::chrono::milliseconds ttl{30000};
  /// From the call on. Nothing: no limit. Zero or less: take what is free at once, or nothing.
  std::optional<std::chrono::nanoseconds> timeout;
  /// Who, where or why, for people; up to 64 bytes. Nothing where it is empty.
  std::string holder;
  /// A random uuid of one's own. The same token gets the same lease again, after a restart of the
  /// program, say; while it waits it keeps its place in the queue, which lasts min(ttl, 30 s) when
  /// the wait has ended without a number. Empty: a new token, which leaves nothing behind.
  std::string token;
  cancellation_token cancellation;

  std::uint64_t spare[4] = {};  ///< for members to come (numpool/version.hpp); zero
};

/// The sole right to one number of a pool, for a time, or nothing. Move-only; the destructor gives
/// the number back, as does close() of the client.
///
/// It belongs to its token and not to the connection: the client renews it by itself at a third of
/// its time, over whatever connections there are, and it is *lost* only when the server says that
/// it is over, or when no renewal has come through until valid_until(). If the program dies it
/// lasts for what is left of its time, and adopt() of any client takes it up again.
///
/// Its const members, renew(), release() and on_lost() may be called from any number of threads;
/// moving, detaching, swapping and destroying it, like any object, from one at a time.
class [[nodiscard]] NUMPOOL_EXPORT timed_lease {
 public:
  /// No lease: index() is -1, fence() 0, token() and pool_name() empty.
  timed_lease() noexcept;
  timed_lease(timed_lease&& other) noexcept;
  timed_lease& operator=(timed_lease&& other) noexcept;  ///< gives back what this one held
  timed_lease(const timed_lease&) = delete;
  timed_lease& operator=(const timed_lease&) = delete;

  /// Gives the number back without waiting for the server; never throws.
  ~timed_lease();

  void swap(timed_lease& other) noexcept { record_.swap(other.record_); }
  friend void swap(timed_lease& a, timed_lease& b) noexcept { a.swap(b); }

  /// The number, 0-based and below the pool's size.
  [[nodiscard]] int index() const noexcept;

  /// The newest fence that the server has told. It grows when the server was restarted; then
  /// somebody else may have had the number in between.
  [[nodiscard]] std::int64_t fence() const noexcept;

  [[nodiscard]] const std::string& token() const noexcept;
  [[nodiscard]] const std::string& pool_name() const noexcept;

  /// Until when the number is ours for certain, if the server is not restarted: counted from before
  /// the last renewal was sent. The fence is what guards in the end.
  [[nodiscard]] boottime_clock::time_point valid_until() const noexcept;

  /// Renews it now, and returns whether the server still had it: false where it is over. Throws
  /// what kept the server from answering; the lease is not lost by that.
  bool renew();

  /// Gives the number back, and returns when the server has it back. Without effect on no lease and
  /// on one that was released, detached or lost. Throws what kept the server from it; the lease
  /// ends by time then.
  void release();

  /// Stops renewing, and does not release: the lease lasts for what is left of its time, and
  /// belongs to whoever has the token, which is returned. This object has no lease then.
  std::string detach() noexcept;

  /// Whether the number is still ours, as far as this process knows.
  [[nodiscard]] bool held() const noexcept;
  explicit operator bool() const noexcept { return held(); }

  /// Whether it ended against our will.
  [[nodiscard]] bool lost() const noexcept;

  /// As lease::on_lost(): has `callback` called once if and when the lease is lost, on the client's
  /// callback thread; right away if it is already.
  void on_lost(std::function<void()> callback);

 private:
  friend struct detail::access;
  explicit timed_lease(std::shared_ptr<detail::timed_record> record) noexcept;

  std::shared_ptr<detail::timed_record> record_;
};

/// What pool::acquire_timed_async() hands to its callback: a timed lease, or why there is none.
class [[nodiscard]] NUMPOOL_EXPORT timed_result {
 public:
  [[nodiscard]] bool has_lease() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_lease(); }

  /// Takes the lease out. Throws the error if there is none.
  timed_lease get() {
    if (error_) error_->raise();
    return std::move(lease_);
  }

  /// Null if there is a lease.
  [[nodiscard]] const numpool::error* error() const noexcept { return error_ ? &*error_ : nullptr; }

 private:
  friend struct detail::access;
  explicit timed_result(timed_lease granted) noexcept : lease_(std::move(granted)) {}
  explicit timed_result(const numpool::error& why) noexcept : error_(why) {}

  timed_lease lease_;
  std::optional<numpool::error> error_;
};

}  // namespace v1
}  // namespace numpool
