#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace numpool::detail {

/// Connection parameters as PQconnectStartParams takes them.
class connection_parameters {
 public:
  /// The caller's `conninfo` plus what numpool adds where it is silent.
  /// Throws error_kind::invalid_value if libpq cannot parse it.
  explicit connection_parameters(const std::string& conninfo);

  /// Null-terminated arrays, valid as long as this object is unchanged.
  const char* const* keywords() const noexcept { return pointers_[0].data(); }
  const char* const* values() const noexcept { return pointers_[1].data(); }

  connection_parameters(const connection_parameters& other);
  connection_parameters& operator=(const connection_parameters&) = delete;

  /// How many hosts are named; 0 if that is left to libpq.
  std::size_t host_count() const;
  /// Takes the first host of that name (or, if it has none, address) and port off the list. False,
  /// and nothing done, if there is none.
  bool drop_host(const std::string& host, const std::string& port);

 private:
  const std::string* find(const char* keyword) const;
  std::vector<std::string> list(const char* keyword) const;
  void set_default(const char* keyword, const char* value);
  void take_hosts_from_environment();
  void point();

  std::vector<std::string> keywords_;
  std::vector<std::string> values_;
  std::array<std::vector<const char*>, 2> pointers_;
};

/// Sets the server's end of the keepalives, except those that the connection string or PGOPTIONS
/// set: pg_settings knows, whichever way they came. Without effect on a Unix socket.
extern const char kServerKeepalives[];

}  // namespace numpool::detail
