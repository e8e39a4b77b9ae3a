#pragma once

#include <memory>
#include <string>
#include <vector>

#include <numpool/error.hpp>

#include "pg_result.hpp"
#include "pg_statement.hpp"

namespace numpool::detail {

class binary_array;
class io_loop;

/// What can be asked for many at once (io_batch.hpp).
enum class batch_kind { none, release, enqueue, cancel };

/// One request to the server and what becomes of its answer. All members run on the thread
/// that is at the helm. Exactly one of succeed, fail and a disconnected() that returns false ends
/// it.
class operation {
 public:
  virtual ~operation() = default;

  /// Called when the I/O thread has taken it in.
  virtual void submitted(io_loop&) {}

  /// Asked when it is submitted and before it is sent; false drops it.
  virtual bool wanted(io_loop&) { return true; }

  virtual request message() = 0;

  /// The answer, its transaction committed.
  virtual void succeed(io_loop& io, const result& answer) = 0;
  virtual void fail(io_loop& io, const error& why) = 0;

  /// The connection went, before the operation was sent or while its answer was outstanding.
  /// True keeps it for the next connection.
  virtual bool disconnected(io_loop& io, const error& why, bool was_sent) = 0;

  /// The token whose lease or place it is to give back, or null. Asked when the client is closed
  /// before it was sent; then that is done for it.
  virtual const std::string* gives_back() const { return nullptr; }

  /// Its owner gave up on it; see engine::withdraw().
  virtual void withdrawn(io_loop&) {}

  /// What it can be an element of; none if it is kept alone.
  batch_kind kind_in_batch() const { return is_alone_ ? batch_kind::none : own_kind(); }
  void keep_alone() { is_alone_ = true; }
  /// That what was asked later went before it; see gather_batches().
  void leave_behind() { is_left_behind_ = true; }
  bool was_left_behind() const { return is_left_behind_; }
  /// Adds what it asks for to the arguments of its kind of batch.
  virtual void add_to(std::vector<binary_array>&) {}
  /// As an element it succeeded; this row is its answer.
  virtual void answered(io_loop&, const result&, int) {}
  /// If it is a batch, the elements go to `into`.
  virtual void take_apart(std::vector<std::shared_ptr<operation>>&) {}

  /// Any thread: whether who waits for it need wait no longer. Asked of what engine::drive() is
  /// given.
  virtual bool over() { return true; }

 private:
  virtual batch_kind own_kind() const { return batch_kind::none; }

  bool is_alone_ = false;
  bool is_left_behind_ = false;
};

/// What has a deadline that nobody else watches.
class expiring {
 public:
  virtual ~expiring() = default;

  /// The I/O thread: the deadline is past.
  virtual void expired(io_loop&) = 0;
};

}  // namespace numpool::detail
