#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <numpool/export.hpp>

namespace numpool {
inline namespace v1 {

/// What went wrong, as far as a program may want to decide by it. Behind each is the SQLSTATE.
enum class error_kind {
  server,           ///< another error of the server: sqlstate() tells
  invalid_value,    ///< a size, name or option out of range (22023)
  no_such_pool,     ///< also: dropped while waiting (42704)
  pool_exists,      ///< create() of a pool that is there, or of another size (42710)
  pool_in_use,      ///< drop() without force of a pool with leases or waiters (55006)
  would_deadlock,   ///< the wait would be for oneself, or closes a circle (40P01)
  not_installed,    ///< the database lacks the extension: see client::setup() (42883)
  not_permitted,    ///< the role lacks a privilege (42501)
  not_supported,    ///< this cannot work here, such as behind a transaction pooler (0A000)
  timed_out,        ///< the wait's timeout or deadline passed (57014)
  cancelled,        ///< a cancellation token fired, or the server was told to cancel (57014)
  client_closed,    ///< close() ended the call, or came before it (08003)
  cannot_connect,   ///< no connection within the limit; a server's refusal has its SQLSTATE (08001)
  connection_lost,  ///< it went while the answer was outstanding (08006)
};

/// The root of what the library throws. what() is the primary message, in English.
///
/// Errors of the server carry the server's SQLSTATE, detail and hint. Copying never throws.
class NUMPOOL_EXPORT error : public std::runtime_error {
 public:
  /// An empty `sqlstate` stands for the one that `kind` names above.
  error(error_kind kind, const std::string& message, std::string sqlstate = {},
        std::string detail = {}, std::string hint = {});
  error(const error&) noexcept;
  error& operator=(const error&) noexcept;
  ~error() override;

  [[nodiscard]] error_kind kind() const noexcept;
  /// Five characters, as in PostgreSQL's appendix "Error Codes"; never empty.
  [[nodiscard]] const std::string& sqlstate() const noexcept;
  /// A sentence with particulars, or empty.
  [[nodiscard]] const std::string& detail() const noexcept;
  /// A sentence on what to do about it, or empty.
  [[nodiscard]] const std::string& hint() const noexcept;

  /// Whether the same call may well succeed a little later, with nothing changed by anybody on
  /// purpose: the server starts, restarts or is full, a transaction met another, the connection
  /// went. NB: after connection_lost it is unknown whether the server did what was asked.
  [[nodiscard]] bool retryable() const noexcept;

  /// Throws a copy, as the type below that belongs to its kind, or as `error`.
  [[noreturn]] void raise() const;

 private:
  struct fields;
  std::shared_ptr<const fields> fields_;
};

/// What error_kind::cannot_connect and connection_lost are thrown as.
class NUMPOOL_EXPORT connection_error : public error {
 public:
  explicit connection_error(const error& what) noexcept : error(what) {}
  connection_error(const connection_error&) noexcept;
  connection_error& operator=(const connection_error&) noexcept;
  ~connection_error() override;
};

/// What error_kind::cancelled is thrown as.
class NUMPOOL_EXPORT cancelled_error : public error {
 public:
  explicit cancelled_error(const error& what) noexcept : error(what) {}
  cancelled_error(const cancelled_error&) noexcept;
  cancelled_error& operator=(const cancelled_error&) noexcept;
  ~cancelled_error() override;
};

/// What error_kind::no_such_pool is thrown as.
class NUMPOOL_EXPORT no_such_pool_error : public error {
 public:
  explicit no_such_pool_error(const error& what) noexcept : error(what) {}
  no_such_pool_error(const no_such_pool_error&) noexcept;
  no_such_pool_error& operator=(const no_such_pool_error&) noexcept;
  ~no_such_pool_error() override;
};

}  // namespace v1
}  // namespace numpool
