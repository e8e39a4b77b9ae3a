#pragma once

#include <array>
#include <string>

#include <numpool/error.hpp>

#include "pg_result.hpp"
#include "pg_statement.hpp"

namespace numpool::detail {

class io_loop;

/// What an operation sends; the pointers live as long as the operation. There is room for the mark
/// behind its values.
struct request {
  const statement* what;
  int count;
  std::array<const char*, 6> values;
};

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

  /// Any thread: whether who waits for it need wait no longer. Asked of what engine::drive() is
  /// given.
  virtual bool over() { return true; }
};

/// What has a deadline that nobody else watches.
class expiring {
 public:
  virtual ~expiring() = default;

  /// The I/O thread: the deadline is past.
  virtual void expired(io_loop&) = 0;
};

}  // namespace numpool::detail
