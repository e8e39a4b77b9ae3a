#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
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

  /// connect_timeout of the connection string or PGCONNECT_TIMEOUT, as libpq reads it; nothing if
  /// there is none, or it means for ever.
  std::optional<std::chrono::seconds> connect_timeout() const;
  /// Whether of several hosts a server that takes writes is wanted.
  bool wants_primary() const;

  /// How many hosts are named; 0 if that is left to libpq.
  std::size_t host_count() const;
  /// Takes the first host of that name (or, if it has none, address) and port off the list. False,
  /// and nothing done, if there is none.
  bool drop_host(const std::string& host, const std::string& port);
  /// Keeps that host alone, if it is on the list.
  void keep_host(const std::string& host, const std::string& port);
  /// Moves that host and those before it behind the others, so that the next one is tried first.
  void begin_after_host(const std::string& host, const std::string& port);

 private:
  const std::string* find(const char* keyword) const;
  std::vector<std::string> list(const char* keyword) const;
  void set_default(const char* keyword, const char* value);
  void take_hosts_from_environment();
  std::optional<std::size_t> find_host(const std::string& host, const std::string& port) const;
  void reorder_hosts(const std::vector<std::size_t>& order);
  void point();

  std::vector<std::string> keywords_;
  std::vector<std::string> values_;
  std::array<std::vector<const char*>, 2> pointers_;
};

/// Sets the server's end of the keepalives, except those that the connection string or PGOPTIONS
/// set: pg_settings knows, whichever way they came. Without effect on a Unix socket.
extern const char kServerKeepalives[];
/// The same until the end of the transaction.
extern const char kServerKeepalivesHere[];

/// Takes the server's time limits off the session. The library's sessions wait, idle, and hold
/// locks for as long as their users want to, and an administrator's limit would end leases.
extern const char kNoTimeLimits[];
/// The same until the end of the transaction.
extern const char kNoTimeLimitsHere[];

}  // namespace numpool::detail
