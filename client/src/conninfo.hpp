#pragma once

#include <string>
#include <vector>

namespace numpool::detail {

/// Connection parameters as PQconnectStartParams takes them.
class connection_parameters {
 public:
  /// The caller's `conninfo` plus what numpool adds where it is silent.
  /// Throws errc::invalid_value if libpq cannot parse it.
  explicit connection_parameters(const std::string& conninfo);

  /// Null-terminated arrays, valid as long as this object is unchanged.
  const char* const* keywords() const noexcept { return keyword_pointers_.data(); }
  const char* const* values() const noexcept { return value_pointers_.data(); }

 private:
  void set_default(const char* keyword, const char* value);

  std::vector<std::string> keywords_;
  std::vector<std::string> values_;
  std::vector<const char*> keyword_pointers_;
  std::vector<const char*> value_pointers_;
};

/// Sets the server's end of the keepalives, except those that the connection string or PGOPTIONS
/// set: pg_settings knows, whichever way they came. Without effect on a Unix socket.
extern const char kServerKeepalives[];

}  // namespace numpool::detail
