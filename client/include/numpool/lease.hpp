#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <numpool/export.hpp>

namespace numpool {

namespace detail {
class lease_record;
}

/// The sole right to one number of a pool. Move-only; the destructor gives the number back.
///
/// A lease is bound to the connection on which it was taken: when that goes, the server ends the
/// lease and the lease is *lost*. Its const members and release() may be called from any thread;
/// moving and destroying it, like any object, from one at a time.
class NUMPOOL_EXPORT lease {
 public:
  lease(lease&& other) noexcept;
  lease& operator=(lease&& other) noexcept;  ///< gives back what this one held
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  /// Gives the number back without waiting for the server; never throws, never blocks on it.
  /// Later calls through the same client come after it.
  ~lease();

  /// For the library only.
  explicit lease(std::shared_ptr<detail::lease_record> record) noexcept;

  /// The number, 0-based and below the pool's size; -1 after a move from this object.
  int index() const noexcept;

  /// The fencing token: larger than that of every earlier lease of the pool, for a resource that
  /// wants to refuse writers whose lease is over. 0 after a move from this object.
  std::int64_t fence() const noexcept;

  /// The pool's id; empty after a move from this object.
  const std::string& pool_id() const noexcept;

  /// Gives the number back, and returns when the server has it back: it is free then, or the next
  /// waiter's. Without effect on a lease that was released or lost before.
  /// Throws errc::client_closed if the client was closed before, which gave the number back.
  void release();

  /// Whether the number is still ours, as far as this process knows: neither released nor lost.
  bool held() const noexcept;

  /// Whether it ended against our will: the connection went, or the pool was dropped by force.
  bool lost() const noexcept;

  /// Has `callback` called once, on the client's callback thread, if and when the lease is lost;
  /// right away if it is already. One callback a lease: a later one replaces it, an empty one
  /// removes it. It follows the lease when that is moved, and never runs after release() began,
  /// but may be running while release() returns.
  /// Throws errc::invalid_value after a move from this object.
  void on_lost(std::function<void()> callback);

 private:
  std::shared_ptr<detail::lease_record> record_;
};

}  // namespace numpool
