#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <numpool/export.hpp>

namespace numpool {

namespace detail {
class lease_record;
struct access;
}  // namespace detail

inline namespace v1 {

/// The sole right to one number of a pool, or nothing. Move-only, like std::unique_lock; the
/// destructor gives the number back.
///
/// A lease is bound to the connection on which it was taken: when that goes, the server ends the
/// lease and the lease is *lost*. Its const members, release() and on_lost() may be called from
/// any number of threads; moving, swapping and destroying it, like any object, from one at a time.
class [[nodiscard]] NUMPOOL_EXPORT lease {
 public:
  /// No lease: index() is -1, fence() 0, pool_name() empty. A lease that was moved from is the
  /// same.
  lease() noexcept;
  lease(lease&& other) noexcept;
  lease& operator=(lease&& other) noexcept;  ///< gives back what this one held
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  /// Gives the number back without waiting for the server; never throws, never blocks on it.
  /// Later calls through the same client come after it.
  ~lease();

  void swap(lease& other) noexcept { record_.swap(other.record_); }
  friend void swap(lease& a, lease& b) noexcept { a.swap(b); }

  /// The number, 0-based and below the pool's size.
  [[nodiscard]] int index() const noexcept;

  /// The fencing token: larger than that of every earlier lease of the pool, for a resource that
  /// wants to refuse writers whose lease is over.
  [[nodiscard]] std::int64_t fence() const noexcept;

  [[nodiscard]] const std::string& pool_name() const noexcept;

  /// Gives the number back, and returns when the server has it back: it is free then, or the next
  /// waiter's. Without effect on no lease and on one that was released, lost, or given back by
  /// close() of its client before. Throws what the server says if it would not take the number
  /// back, and error_kind::client_closed in a child of fork(), where the lease is the parent's.
  void release();

  /// Whether the number is still ours, as far as this process knows: neither released nor lost.
  [[nodiscard]] bool held() const noexcept;
  explicit operator bool() const noexcept { return held(); }

  /// Whether it ended against our will: the connection went, the pool was dropped by force, or
  /// somebody has ended the lease (numpool_end_lease).
  [[nodiscard]] bool lost() const noexcept;

  /// Has `callback` called once, on the client's callback thread, if and when the lease is lost;
  /// right away if it is already. One callback a lease: a later one replaces it, an empty one
  /// removes it. It follows the lease when that is moved, and never runs after release() began,
  /// but may be running while release() returns.
  /// Throws error_kind::invalid_value if there is no lease.
  void on_lost(std::function<void()> callback);

 private:
  friend struct detail::access;
  explicit lease(std::shared_ptr<detail::lease_record> record) noexcept;

  std::shared_ptr<detail::lease_record> record_;
};

}  // namespace v1
}  // namespace numpool
