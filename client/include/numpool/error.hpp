#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <numpool/export.hpp>

namespace numpool {

/// The one exception type of the library. what() is the primary message, in English.
///
/// Errors of the server carry the server's SQLSTATE, detail and hint. Those of the library itself
/// carry one of `errc`. Copying never throws.
class NUMPOOL_EXPORT error : public std::runtime_error {
 public:
  explicit error(const std::string& message, std::string sqlstate, std::string detail = {},
                 std::string hint = {});
  error(const error&) noexcept;
  error& operator=(const error&) noexcept;
  ~error() override;

  /// Five characters, as in PostgreSQL's appendix "Error Codes"; never empty.
  const std::string& sqlstate() const noexcept;
  /// A sentence with particulars, or empty.
  const std::string& detail() const noexcept;
  /// A sentence on what to do about it, or empty.
  const std::string& hint() const noexcept;

 private:
  struct fields;
  std::shared_ptr<const fields> fields_;
};

/// The SQLSTATEs a program is likely to compare with.
namespace errc {
constexpr char no_such_pool[] = "42704";      ///< also: dropped while waiting
constexpr char pool_exists[] = "42710";       ///< create of a pool that is there
constexpr char invalid_value[] = "22023";     ///< size, id or index out of range; other size
constexpr char pool_in_use[] = "55006";       ///< drop without force of a pool in use
constexpr char waits_for_itself[] = "40P01";  ///< this client holds every number of the pool
constexpr char not_installed[] = "42883";     ///< the database lacks the extension: see setup()
constexpr char cancelled[] = "57014";  ///< a cancellation token fired, or the server was told to
constexpr char client_closed[] = "08003";    ///< close() ended the call, or came before it
constexpr char cannot_connect[] = "08001";   ///< no connection within the limit
constexpr char connection_lost[] = "08006";  ///< it went while the answer was outstanding
}  // namespace errc

}  // namespace numpool
